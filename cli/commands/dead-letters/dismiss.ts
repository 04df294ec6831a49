import { Command } from "commander";
import type { Selection } from "../../../shared/api/dead-letters.ts";
import { operatorClient, type Client } from "../../http/client.ts";
import { filtered } from "../../dead-letters/filter.ts";
import { allOption, idsArgument, selectionOf, type SelectionOptions } from "../../dead-letters/selection.ts";
import { dismissalText, entryText } from "../../dead-letters/texts.ts";
import { confirm } from "../../output/confirm.ts";
import { startProgress } from "../../output/progress.ts";
import { note, show } from "../../output/show.ts";
import { counted } from "../../output/words.ts";
import { connected, examples, reason, type Connected } from "../options.ts";

interface Options extends Connected, SelectionOptions {
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const DISMISSALS = "POST /api/dead-letters/dismissals";

export function dismissCommand(): Command {
  return connected(filtered(new Command("dismiss")))
    .description("say that nothing is to be done about dead letters; they are kept")
    .addArgument(idsArgument())
    .addOption(allOption())
    .requiredOption("--reason <text>", "why: it is kept in the audit log", reason)
    .option("--dry-run", "say what would happen, and do nothing")
    .option("--yes", "don't ask")
    .addHelpText(
      "after",
      `
One that is named by its id is dismissed at once. Of several it is said first which they are. What fails after that is not
dismissed, and one that fails again is open again.
${examples(
  'dead-letters dismiss 0123456789abcdef0123456789abcdef --reason "a test event, refunded at Stripe"',
  'dead-letters dismiss --cause malformed_message --older-than 7d --reason "sent by a load test" --dry-run',
)}`,
    )
    .action(dismiss);
}

async function dismiss(ids: readonly string[], options: Options): Promise<void> {
  const request = { select: selectionOf(ids, options), reason: options.reason };
  const client = operatorClient(options);
  const [id, ...others] = ids;
  if (id !== undefined && others.length === 0 && !options.dryRun) {
    const request = { params: { id }, body: { reason: options.reason } };
    return show(options, await client.call("POST /api/dead-letters/:id/dismiss", request), entryText);
  }
  const plan = await client.call(DISMISSALS, { body: { ...request, dryRun: true } });
  if (!plan.dryRun) throw new Error("the deployment dismissed dead letters in a dry run");
  if (options.dryRun) return show(options, plan, dismissalText);
  if (plan.wouldDismiss === 0 && !plan.more) {
    note("nothing is to be dismissed, so nothing was done");
    return show(options, plan, dismissalText);
  }
  note(dismissalText(plan));
  const letters = counted(plan.wouldDismiss, "dead letter");
  await confirm(`${letters}${plan.more ? ", and all that follow them," : ""} will be dismissed`, options);
  const dismissed = await dismissAll(client, { ...request, asOf: plan.asOf }, plan.wouldDismiss);
  show(options, { dismissed }, () => `${counted(dismissed, "dead letter")} dismissed`);
}

/**
 * Repeats the call, which dismisses a bounded number, until all are dismissed.
 * @returns the number of dismissed letters
 */
async function dismissAll(
  client: Client,
  body: { readonly select: Selection; readonly reason: string; readonly asOf: number },
  total: number,
): Promise<number> {
  const progress = startProgress({ doing: "dismissing", of: "dead letters", total });
  let dismissed = 0;
  try {
    for (;;) {
      const done = await client.call(DISMISSALS, { body });
      if (done.dryRun) throw new Error("the deployment made a dry run of a dismissal");
      dismissed += done.dismissed;
      progress.to(dismissed);
      if (!done.more) return dismissed;
    }
  } finally {
    progress.end();
  }
}
