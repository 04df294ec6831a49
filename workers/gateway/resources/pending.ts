import * as v from "valibot";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { json } from "../../../shared/http/answer.ts";
import { readCursor, writeCursor } from "../http/cursor.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/pending.ts";

const Cursor = v.strictObject({ sequence: v.pipe(v.number(), v.safeInteger()) });

export const pending = operation(api.pending, async ({ env, query: { cursor, limit } }) => {
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
  } satisfies api.PendingPage);
});
