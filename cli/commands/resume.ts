import { Command } from "commander";
import { haltedText } from "../../shared/api/halted-text.ts";
import type { Resumed } from "../../shared/api/resume.ts";
import { operatorClient } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { operatorName } from "../http/operator.ts";
import { confirm } from "../output/confirm.ts";
import { show } from "../output/show.ts";
import { time } from "../output/words.ts";
import { connected, examples, reason, type Connected } from "./options.ts";

interface Options extends Connected {
  readonly reason: string;
  readonly yes?: boolean;
}

export function resumeCommand(): Command {
  return connected(new Command("resume"))
    .requiredOption("--reason <text>", "what you found: it is kept in the audit log", reason)
    .option("--yes", "don't ask")
    .addHelpText(
      "after",
      `
\`vdc status\` says why it halted, docs/problems.md what to look at first. When it is not halted, nothing is done. A chain head that lost its storage is not
resumed but restored: exit code 4.
${examples('resume --reason "the other copy of block 7 was a test upload, removed"')}`,
    )
    .action(async (options: Options) => {
      const client = operatorClient(options);
      await confirm(`The chain of ${client.url} will go on, if it is halted`, options);
      const body = { by: operatorName() || "unnamed", reason: options.reason };
      const answer = await client.call("POST /api/vdc/resume", { body });
      const { resumed, halted } = answer;
      if (resumed || halted === null) return show(options, answer, asText);
      if (options.json === true) show(options, answer, asText);
      throw new CommandFailure(haltedText(halted), EXIT.refused);
    });
}

function asText({ halted }: Resumed): string {
  if (halted === null) return "the chain was not halted";
  return `the chain goes on; it was halted since ${time(halted.at)}: ${halted.reason}`;
}
