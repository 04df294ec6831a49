import * as v from "valibot";
import { Timestamp, TxId } from "../../../shared/chain/transaction.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { json } from "../../../shared/http/answer.ts";
import { Count } from "../http/count.ts";
import { readCursor, writeCursor } from "../http/cursor.ts";
import { operation } from "../http/operation.ts";
import { number } from "../http/parameters.ts";

const Cursor = v.strictObject({ sequence: v.pipe(v.number(), v.safeInteger()) });

export const PendingPage = v.strictObject({
  count: v.pipe(Count, v.description("Transactions whose block is not finished, and those in no block yet")),
  waiting: v.pipe(Count, v.description("Transactions in no block yet")),
  transactions: v.array(
    v.strictObject({ txId: TxId, timestamp: Timestamp, admittedAt: Timestamp, ageSeconds: Count }),
  ),
  next: v.pipe(v.nullable(v.string()), v.description("The `cursor` of the page after; null on the last")),
});
export type PendingPage = v.InferOutput<typeof PendingPage>;

export const pending = operation(
  {
    does: "What waits for a block, in the order in which it will be mined: ids and ages, never contents",
    who: "operator",
    query: v.strictObject({
      cursor: v.optional(v.pipe(v.string(), v.description("`next` of the page before, as it is"))),
      limit: number({ least: 1, most: 1_000, otherwise: 100 }, "Transactions in a page, at most"),
    }),
    answers: { 200: PendingPage },
  },
  async ({ env, query: { cursor, limit } }) => {
    const now = Date.now();
    const page = await chainHead(env).pendingPage(readCursor(Cursor, cursor)?.sequence ?? null, limit);
    const { counts } = await chainHead(env).status();
    const last = page.at(-1);
    return json({
      count: counts.pending,
      waiting: counts.waiting,
      transactions: page.map(({ txId, timestamp, admittedAt }) => ({
        txId,
        timestamp,
        admittedAt,
        ageSeconds: Math.max(0, Math.floor((now - admittedAt) / 1_000)),
      })),
      next: last !== undefined && page.length === limit ? writeCursor({ sequence: last.sequence }) : null,
    } satisfies PendingPage);
  },
);
