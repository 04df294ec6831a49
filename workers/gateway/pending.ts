import * as v from "valibot";
import { Timestamp, TxId } from "../../shared/chain/transaction.ts";
import { chainHead } from "../../shared/chain-head.ts";
import { base64url, fromBase64url, fromUtf8, utf8 } from "../../shared/crypto/bytes.ts";
import { json } from "../../shared/http/answer.ts";
import { Problem } from "../../shared/http/problems.ts";
import { queryNumber } from "./parameters.ts";
import type { Call } from "./router.ts";

const Cursor = v.strictObject({ timestamp: Timestamp, txId: TxId });
type Cursor = v.InferOutput<typeof Cursor>;

/** What waits for a block: ids and ages, never contents. In the order in which it will be mined. */
export async function pending({ env, query }: Call): Promise<Response> {
  const limit = queryNumber(query, "limit", { least: 1, most: 1_000, otherwise: 100 });
  const now = Date.now();
  const page = await chainHead(env).pendingPage(readCursor(query.get("cursor")), limit);
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
}

function writeCursor({ timestamp, txId }: Cursor): string {
  return base64url(utf8(JSON.stringify({ timestamp, txId })));
}

function readCursor(text: string | null): Cursor | null {
  if (text === null) return null;
  try {
    return v.parse(Cursor, JSON.parse(fromUtf8(fromBase64url(text))));
  } catch {
    throw new Problem("invalid-parameter", "cursor: take it from `next` of the page before, as it is.");
  }
}
