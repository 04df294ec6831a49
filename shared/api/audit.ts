import * as v from "valibot";
import { AuditEntry, AuditHead } from "../chain/audit-chain.ts";
import { flag, number, WholeNumber } from "./parameters.ts";
import type { Plan } from "./plan.ts";

/** `next`: the sequence that the next page begins with (`from`), or `null` at the end. */
export const AuditPage = v.strictObject({
  entries: v.array(AuditEntry),
  next: v.nullable(AuditHead.entries.sequence),
  head: v.nullable(AuditHead),
});
export type AuditPage = v.InferOutput<typeof AuditPage>;

export const auditLog = {
  does: "What operators did, each entry linked to the one before by its hash; backwards from the latest with newest=true",
  who: "operator",
  query: v.strictObject({
    from: v.optional(
      v.pipe(
        WholeNumber,
        v.minValue(1, "expected at least 1"),
        v.description("The sequence to begin with: `next` of the page before"),
      ),
    ),
    limit: number({ least: 1, most: 1_000, otherwise: 100 }, "Entries in a page, at most"),
    newest: flag(false, "true: backwards, the latest first"),
  }),
  answers: { 200: AuditPage },
} as const satisfies Plan;
