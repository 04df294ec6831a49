import { Command } from "commander";
import { activationCommand } from "./commands/activation/activation.ts";
import { auditCommand } from "./commands/audit/audit.ts";
import { blockCommand } from "./commands/block.ts";
import { deadLettersCommand } from "./commands/dead-letters/dead-letters.ts";
import { documentCommand } from "./commands/document/document.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { exportCommand } from "./commands/export.ts";
import { keysCommand } from "./commands/keys/keys.ts";
import { mineCommand } from "./commands/mine.ts";
import { payCommand } from "./commands/pay.ts";
import { pendingCommand } from "./commands/pending.ts";
import { privacyCommand } from "./commands/privacy/privacy.ts";
import { restoreCommand } from "./commands/restore.ts";
import { resumeCommand } from "./commands/resume.ts";
import { secretsCommand } from "./commands/secrets.ts";
import { statusCommand } from "./commands/status.ts";
import { storageCommand } from "./commands/storage/storage.ts";
import { txCommand } from "./commands/tx/tx.ts";
import { userCommand } from "./commands/user/user.ts";
import { verifyCommand } from "./commands/verify.ts";

const HELP = `
stdout carries data, stderr progress and notes. Where a file is taken, - is stdin or stdout. --json gives one JSON document (pay: one object a line).

Environment:
  VDC_URL                address of the deployment; otherwise that of the local stack
  VDC_ADMIN_SECRET       the operator's secret (or ADMIN_SECRET), or
  VDC_ADMIN_SECRET_FILE  a file that holds it; otherwise, for the local stack only, its own
  SYSTEM_KEYRING         the system's keys, for privacy show; otherwise --keyring, or the local stack's own
  VDC_OPERATOR           your name, for the audit log; otherwise your user's name
  VDC_DATA_DIR           the local stack's data directory (default .vdc)
  HTTPS_PROXY, NO_PROXY  a proxy for what is not on this machine, and where it is not used
  NO_COLOR               no colours

Exit codes:
  0  done
  1  failed
  2  wrong usage
  3  there is no such thing
  4  refused: not allowed, or not now
  6  verification failed: something is not what it must be
  7  could not check: unreachable or unavailable
  8  all is whole, but a revoked key signed some of it

Examples:
  npm run vdc -- status
  npm run vdc -- mine --wait
  npm run vdc -- help storage`;

/** The command line. @throws CommanderError for wrong usage and after help, CommandFailure by its commands */
export function vdcProgram(): Command {
  const program = new Command("vdc")
    .description("Veritas Documents Chain: the command line")
    .commandsGroup("Chain:")
    .addCommand(statusCommand())
    .addCommand(mineCommand())
    .addCommand(pendingCommand())
    .addCommand(txCommand())
    .addCommand(blockCommand())
    .addCommand(verifyCommand())
    .addCommand(exportCommand())
    .commandsGroup("Your own:")
    .addCommand(userCommand())
    .addCommand(documentCommand())
    .commandsGroup("Operating:")
    .addCommand(deadLettersCommand())
    .addCommand(storageCommand())
    .addCommand(activationCommand())
    .addCommand(resumeCommand())
    .addCommand(privacyCommand())
    .addCommand(auditCommand())
    .addCommand(doctorCommand())
    .addCommand(restoreCommand())
    .commandsGroup("Setting up:")
    .addCommand(payCommand())
    .addCommand(keysCommand())
    .addCommand(secretsCommand())
    .addHelpText("after", HELP);
  throwUsageErrors(program);
  return program;
}

/** Commander ends the process by itself otherwise, and each command for itself. */
function throwUsageErrors(command: Command): void {
  command.exitOverride().showHelpAfterError("(--help shows how)");
  for (const sub of command.commands) throwUsageErrors(sub);
}
