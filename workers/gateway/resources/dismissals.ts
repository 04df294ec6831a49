import type { DismissalPlan, Dismissed } from "../../../shared/api/dead-letters.ts";
import { deadLetters } from "../../../shared/objects/dead-letters.ts";
import { json } from "../../../shared/http/answer.ts";
import { reindexing, unknownDeadLetter } from "./dead-letters.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/dismissals.ts";

/** Dismisses a bounded number of entries, the oldest first. Sent again, the call continues; a dismissed entry does not change. */
export const dismissMany = operation(
  api.dismissMany,
  async ({ env, body: { dryRun, ...order }, operator, log }) => {
    const by = operator?.name ?? "";
    const answer = dryRun
      ? await deadLetters(env).planDismissal(order.select)
      : await deadLetters(env).dismissSelected(order, by);
    if (answer === "reindexing") throw reindexing();
    if ("refused" in answer) throw unknownDeadLetter(answer.ids[0] ?? "");
    if (!answer.dryRun) log.info("dead_letter.dismissed", { dismissed: answer.dismissed, by });
    return json(answer satisfies DismissalPlan | Dismissed);
  },
);
