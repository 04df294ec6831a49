import * as v from "valibot";
import { Timestamp, TxId } from "../chain/transaction.ts";
import { Count } from "./count.ts";
import { number } from "./parameters.ts";
import type { Plan } from "./plan.ts";

export const PendingPage = v.strictObject({
  count: v.pipe(Count, v.description("Transactions whose block is not finished, and those in no block yet")),
  waiting: v.pipe(Count, v.description("Transactions in no block yet")),
  transactions: v.array(
    v.strictObject({ txId: TxId, timestamp: Timestamp, admittedAt: Timestamp, ageSeconds: Count }),
  ),
  next: v.pipe(v.nullable(v.string()), v.description("The `cursor` of the page after; null on the last")),
});
export type PendingPage = v.InferOutput<typeof PendingPage>;

export const pending = {
  does: "What waits for a block, in the order in which it will be mined: ids and ages, never contents",
  who: "operator",
  query: v.strictObject({
    cursor: v.optional(v.pipe(v.string(), v.description("`next` of the page before, as it is"))),
    limit: number({ least: 1, most: 1_000, otherwise: 100 }, "Transactions in a page, at most"),
  }),
  answers: { 200: PendingPage },
} as const satisfies Plan;
