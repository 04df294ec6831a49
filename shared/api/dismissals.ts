import * as v from "valibot";
import { Timestamp } from "../chain/transaction.ts";
import { DismissalPlan, Dismissed, Selection } from "./dead-letters.ts";
import type { Plan } from "./plan.ts";
import { Reason } from "./reason.ts";

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

export const dismissMany = {
  does: "Says of many dead letters why nothing is to be done about them, 500 a call, or says with `dryRun` what that would do",
  who: "operator",
  body: DismissManyRequest,
  answers: { 200: v.union([DismissalPlan, Dismissed]) },
  problems: ["not-found", "unavailable"],
} as const satisfies Plan;
