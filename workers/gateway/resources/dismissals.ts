import * as v from "valibot";
import { Timestamp } from "../../../shared/chain/transaction.ts";
import { deadLetters, DismissalPlan, Dismissed, Selection } from "../../../shared/objects/dead-letters.ts";
import { json } from "../../../shared/http/answer.ts";
import { reindexing, unknownDeadLetter } from "./dead-letters.ts";
import { operation } from "../http/operation.ts";
import { Reason } from "../http/reason.ts";

export const DismissManyRequest = v.strictObject({
  select: Selection,
  reason: Reason,
  asOf: v.optional(
    v.pipe(
      Timestamp,
      v.description("What failed later is left as it is: `asOf` of the dry run that was looked at"),
    ),
  ),
  dryRun: v.optional(v.boolean(), false),
});
export type DismissManyRequest = v.InferOutput<typeof DismissManyRequest>;

/** Dismisses a bounded number of entries, the oldest first. Sent again, the call continues; a dismissed entry does not change. */
export const dismissMany = operation(
  {
    does: "Says of many dead letters why nothing is to be done about them, 500 a call, or says with `dryRun` what that would do",
    who: "operator",
    body: DismissManyRequest,
    answers: { 200: v.union([DismissalPlan, Dismissed]) },
    problems: ["not-found", "unavailable"],
  },
  async ({ env, body: { dryRun, ...asked }, operator, log }) => {
    const by = operator?.name ?? "";
    const answer = dryRun
      ? await deadLetters(env).planDismissal(asked.select)
      : await deadLetters(env).dismissSelected(asked, by);
    if (answer === "reindexing") throw reindexing();
    if ("refused" in answer) throw unknownDeadLetter(answer.ids[0] ?? "");
    if (!answer.dryRun) log.info("dead_letter.dismissed", { dismissed: answer.dismissed, by });
    return json(answer satisfies DismissalPlan | Dismissed);
  },
);
