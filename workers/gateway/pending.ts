import * as v from "valibot";
import { Timestamp, TxId } from "../../shared/chain/transaction.ts";
import { chainHead } from "../../shared/chain-head.ts";
import { base64url, fromBase64url, fromUtf8, utf8 } from "../../shared/crypto/bytes.ts";
import { json } from "../../shared/http/answer.ts";
import { Problem } from "../../shared/http/problems.ts";
import { operation } from "./operation.ts";
import { number } from "./parameters.ts";

const Cursor = v.strictObject({ timestamp: Timestamp, txId: TxId });
type Cursor = v.InferOutput<typeof Cursor>;

export const pending = operation(
  {
    does: "What waits for a block, in the order in which it will be mined: ids and ages, never contents",
    who: "operator",
    query: v.strictObject({
      cursor: v.optional(v.string()),
      limit: number({ least: 1, most: 1_000, otherwise: 100 }),
    }),
    answers: { 200: v.unknown() },
  },
  async ({ env, query: { cursor, limit } }) => {
    const now = Date.now();
    const page = await chainHead(env).pendingPage(readCursor(cursor), limit);
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
      next: last !== undefined && page.length === limit ? writeCursor(last) : null,
    });
  },
);

function writeCursor({ timestamp, txId }: Cursor): string {
  return base64url(utf8(JSON.stringify({ timestamp, txId })));
}

function readCursor(text: string | undefined): Cursor | null {
  if (text === undefined) return null;
  try {
    return v.parse(Cursor, JSON.parse(fromUtf8(fromBase64url(text))));
  } catch {
    throw new Problem("invalid-parameter", "cursor: take it from `next` of the page before, as it is.");
  }
}
