import { Command } from "commander";
import { operatorClient } from "../../client.ts";
import type { DeadLetterEntry } from "../../../shared/dead-letters.ts";
import { entryText } from "../../dead-letters/texts.ts";
import { show } from "../../output/show.ts";
import { connected, examples, reason, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly reason: string;
}

export function dismissCommand(): Command {
  return connected(new Command("dismiss"))
    .description("say that nothing is to be done about a dead letter; it is kept")
    .argument("<id>", "its id")
    .requiredOption("--reason <text>", "why: it is kept in the audit log", reason)
    .addHelpText(
      "after",
      examples(
        'dead-letters dismiss 0123456789abcdef0123456789abcdef --reason "a test event, refunded at Stripe"',
      ),
    )
    .action(async (id: string, options: Options) => {
      const path = `/api/dead-letters/${encodeURIComponent(id)}/dismiss`;
      const body = { reason: options.reason };
      show(options, await operatorClient(options).post<DeadLetterEntry>(path, { body }), entryText);
    });
}
