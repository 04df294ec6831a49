import { makeCheckpointDue } from "../decisions/checkpointed.ts";
import { claimAgain, type VerifiedIndex } from "../decisions/indexed-through.ts";
import { deleteValue, getValue, setValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

/**
 * Makes the hot keys due to be written, whichever value was written last. For use when KV has lost them.
 * @param verified the blocks whose index is complete, if the caller has verified it
 */
export function publishAgain(sql: Sql, verified: VerifiedIndex | null, now: number): void {
  deleteValue(sql, "publishedLatest");
  deleteValue(sql, "publishedPending");
  if (verified !== null) claimAgain(sql, verified, now);
}

/**
 * Parks every set-aside transaction again; the alarm does it page by page. For use when the queue to the dead letters is known to
 * be empty. A transaction that the dead-letter store already has does not change. Erased transactions and refused submissions of
 * users are left out.
 */
export function parkAgain(sql: Sql): void {
  setValue(sql, "parkAgainAfter", { at: -1, txId: "" });
}

const PARK_AGAIN_AT_ONCE = 500;

export function parkNextAgain(sql: Sql): void {
  const after = getValue(sql, "parkAgainAfter");
  if (after === undefined) return;
  const page = sql
    .exec<{ id: string; set_aside_at: number }>(
      `SELECT id, set_aside_at FROM tx WHERE state = 'set_aside' AND forget_at IS NULL AND (set_aside_at, id) > (?, ?)
       ORDER BY set_aside_at, id LIMIT ?`,
      after.at,
      after.txId,
      PARK_AGAIN_AT_ONCE,
    )
    .toArray();
  sql.exec(
    "UPDATE tx SET parked = 0 WHERE id IN (SELECT value FROM json_each(?)) AND reason <> 'erased'",
    JSON.stringify(page.map(({ id }) => id)),
  );
  const last = page.at(-1);
  if (last === undefined || page.length < PARK_AGAIN_AT_ONCE) deleteValue(sql, "parkAgainAfter");
  else setValue(sql, "parkAgainAfter", { at: last.set_aside_at, txId: last.id });
}

/**
 * Makes every unfinished block due for its stage at once. For use when the queues are known to be empty, or an outage is over.
 */
export function requeueAll(sql: Sql): void {
  sql.exec("UPDATE block SET nudged_at = 0, nudges = 0 WHERE state <> 'complete'");
  setValue(sql, "mineNudgeAt", 0);
  makeCheckpointDue(sql, 0);
}
