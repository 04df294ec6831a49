import { Command } from "commander";
import { operatorClient } from "../client.ts";
import { operatorName } from "../operator.ts";
import { confirm } from "../output/confirm.ts";
import { show } from "../output/show.ts";
import { time } from "../output/words.ts";
import { connected, examples, reason, type Connected } from "./options.ts";

interface Options extends Connected {
  readonly reason: string;
  readonly yes?: boolean;
}

/** `POST /api/vdc/resume` */
interface Resumed {
  readonly resumed: boolean;
  readonly halted: { readonly reason: string; readonly at: number } | null;
}

export function resumeCommand(): Command {
  return connected(new Command("resume"))
    .requiredOption("--reason <text>", "what you found: it is kept in the audit log", reason)
    .option("--yes", "don't ask")
    .addHelpText(
      "after",
      `
\`vdc status\` says why it halted, docs/problems.md what to look at first. When it is not halted, nothing is done.
${examples('resume --reason "the other copy of block 7 was a test upload, removed"')}`,
    )
    .action(async (options: Options) => {
      const client = operatorClient(options);
      await confirm(`The chain of ${client.url} will go on, if it is halted`, options);
      const body = { by: operatorName() || "unnamed", reason: options.reason };
      show(options, await client.post<Resumed>("/api/vdc/resume", { body }), asText);
    });
}

function asText({ resumed, halted }: Resumed): string {
  if (!resumed || halted === null) return "the chain was not halted";
  return `the chain goes on; it was halted since ${time(halted.at)}: ${halted.reason}`;
}
