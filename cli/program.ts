import { Command } from "commander";

interface CommandEntry {
  readonly name: string;
  readonly description: string;
  readonly load: () => Promise<Command>;
}

/** The commands by group. Only the code of the command that runs is loaded. */
const GROUPS: Readonly<Record<string, readonly CommandEntry[]>> = {
  "Chain:": [
    {
      name: "status",
      description: "the whole pipeline: what waits, what is being made, what was set aside (operator)",
      load: async () => (await import("./commands/status.ts")).statusCommand(),
    },
    {
      name: "mine",
      description: "approve: all that waits now is signed and mined (operator)",
      load: async () => (await import("./commands/mine.ts")).mineCommand(),
    },
    {
      name: "pending",
      description:
        "what waits for a block, in the order in which it will be mined: ids, never contents (operator)",
      load: async () => (await import("./commands/pending.ts")).pendingCommand(),
    },
    {
      name: "tx",
      description: "transactions: where one is, and your own, signed with your keys",
      load: async () => (await import("./commands/tx/tx.ts")).txCommand(),
    },
    {
      name: "block",
      description:
        "a block: its header, its transactions, whether hash, Merkle root and CID are those of its bytes, and its users' signatures",
      load: async () => (await import("./commands/block.ts")).blockCommand(),
    },
    {
      name: "verify",
      description:
        "verify the whole chain from its bytes, link by link: of a deployment, or offline from a CAR file; or one proof, record or document",
      load: async () => (await import("./commands/verify/verify.ts")).verifyCommand(),
    },
    {
      name: "proof",
      description: "a proof of a transaction that anybody can verify offline: get one, or refresh one",
      load: async () => (await import("./commands/proof.ts")).proofCommand(),
    },
    {
      name: "monitor",
      description:
        "follow a deployment as a stranger: its chain and its signed checkpoints, against all that was seen before",
      load: async () => (await import("./commands/monitor.ts")).monitorCommand(),
    },
    {
      name: "export",
      description: "write the whole chain into one CAR file, each block verified on its way",
      load: async () => (await import("./commands/export.ts")).exportCommand(),
    },
  ],
  "Your own:": [
    {
      name: "user",
      description: "you: your keys, and what is kept about you, encrypted to you alone",
      load: async () => (await import("./commands/user/user.ts")).userCommand(),
    },
    {
      name: "document",
      description: "your documents: kept by the deployment and on IPFS, and read by nobody but you",
      load: async () => (await import("./commands/document/document.ts")).documentCommand(),
    },
  ],
  "Operating:": [
    {
      name: "dead-letters",
      description: "what no stage could take: look, mend the cause, replay or dismiss (operator)",
      load: async () => (await import("./commands/dead-letters/dead-letters.ts")).deadLettersCommand(),
    },
    {
      name: "storage",
      description:
        "check that KV, R2 and IPFS hold every block and document, and restore what is missing (operator)",
      load: async () => (await import("./commands/storage/storage.ts")).storageCommand(),
    },
    {
      name: "activation",
      description: "let users in who pay nothing (operator)",
      load: async () => (await import("./commands/activation/activation.ts")).activationCommand(),
    },
    {
      name: "resume",
      description: "let a halted chain go on, after you have looked at why it halted (operator)",
      load: async () => (await import("./commands/resume.ts")).resumeCommand(),
    },
    {
      name: "privacy",
      description: "requests to show, or to erase, what is private in a transaction (operator)",
      load: async () => (await import("./commands/privacy/privacy.ts")).privacyCommand(),
    },
    {
      name: "audit",
      description: "what operators did, and that the log of it was not changed (operator)",
      load: async () => (await import("./commands/audit/audit.ts")).auditCommand(),
    },
    {
      name: "doctor",
      description: "check this machine and a deployment, and say what to do about each thing that is wrong",
      load: async () => (await import("./commands/doctor.ts")).doctorCommand(),
    },
    {
      name: "restore",
      description:
        "bring back a chain whose chain head has lost its memory, from R2 and KV or from a CAR file (operator)",
      load: async () => (await import("./commands/restore.ts")).restoreCommand(),
    },
  ],
  "Setting up:": [
    {
      name: "pay",
      description: "send signed synthetic checkout events to a running stack, as Stripe would",
      load: async () => (await import("./commands/pay.ts")).payCommand(),
    },
    {
      name: "keys",
      description: "the system's keys: make them, replace them, revoke a stolen one",
      load: async () => (await import("./commands/keys/keys.ts")).keysCommand(),
    },
    {
      name: "secrets",
      description: "the secrets files of a deployment",
      load: async () => (await import("./commands/secrets.ts")).secretsCommand(),
    },
  ],
};

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

/**
 * Builds the command line.
 * @param only the command that will run: all others get a name and a description only
 * @throws CommanderError for wrong usage and after help, CommandFailure by its commands
 */
export async function vdcProgram(only?: string): Promise<Command> {
  const program = new Command("vdc")
    .description("Veritas Documents Chain: the command line")
    .configureHelp({ subcommandTerm: (command) => command.name() });
  for (const [group, entries] of Object.entries(GROUPS)) {
    program.commandsGroup(group);
    for (const { name, description, load } of entries) {
      const command = only === undefined || only === name ? await load() : new Command(name);
      program.addCommand(command.description(description));
    }
  }
  program.addHelpText("after", HELP);
  throwUsageErrors(program);
  return program;
}

/** Makes a command throw usage errors. Commander otherwise ends the process itself, and needs this for each command. */
function throwUsageErrors(command: Command): void {
  command.exitOverride().showHelpAfterError("(--help shows how)");
  for (const sub of command.commands) throwUsageErrors(sub);
}
