import { QUEUE_RETENTION_SECONDS } from "../../../shared/pipeline.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { EntryRow } from "./entry-row.ts";
import type { Env } from "../env.ts";
import { getValue, setValue } from "../key-values.ts";
import { askChainHead, isTraceable, workStatusOf, type ChainStates } from "./work-status.ts";
import type { Store } from "../store.ts";

/** Together with the pause between two checks, this bounds the work, however many entries are open. */
const CHECK_AT_ONCE = 100;
const PAUSE_MS = 2_000;
const SOONEST_MS = 2_000;
const LATEST_MS = 24 * 3_600_000;
/** For a replayed letter that had used up its retries: its success shows that its stage works again. */
const LATEST_OF_EXHAUSTED_MS = 15 * 60_000;
/** Longer than a queue keeps a message. */
export const LOST_AFTER_MS = (QUEUE_RETENTION_SECONDS + 86_400) * 1_000;

/**
 * Finds out which due entries are done meanwhile, by a replay or by other means. The entry that has been due for longest comes
 * first.
 */
export async function checkDue(store: Store, env: Env, now: number): Promise<void> {
  if (now < (getValue(store.sql, "checkedAt") ?? 0) + PAUSE_MS) return;
  const due = dueForCheck(store.sql, now);
  if (due.length === 0) return;
  const states = await askChainHead(due, env);
  store.decide((later) => {
    noteChecked(store.sql, due, states, later);
    setValue(store.sql, "checkedAt", later);
  });
}

/** Returns when the next check is due, in milliseconds since the epoch; `undefined` when no entry needs one. */
export function nextCheck(sql: Sql): number | undefined {
  const [first] = sql
    .exec<{ check_at: number }>(
      "SELECT check_at FROM entry WHERE check_at IS NOT NULL ORDER BY check_at LIMIT 1",
    )
    .toArray();
  return first && Math.max(first.check_at, (getValue(sql, "checkedAt") ?? -PAUSE_MS) + PAUSE_MS);
}

function dueForCheck(sql: Sql, now: number): EntryRow[] {
  return sql
    .exec<EntryRow>("SELECT * FROM entry WHERE check_at <= ? ORDER BY check_at LIMIT ?", now, CHECK_AT_ONCE)
    .toArray();
}

/**
 * Records the results of a check. An entry that is not done is checked again when it has waited twice as long, so an old one
 * costs next to nothing. An entry that was replayed and has not come back or moved anything for five days was lost on the way, so
 * it is opened again. An untraceable letter that has not come back by then counts as done.
 */
export function noteChecked(sql: Sql, checked: readonly EntryRow[], states: ChainStates, now: number): void {
  for (const row of checked) {
    if (!isTraceable(row)) {
      settleUntraceable(sql, row.id, now);
      continue;
    }
    const waited = now - Math.max(row.last_seen, row.replayed_at ?? 0);
    const status = workStatusOf(row, states);
    if (status?.is === "done") {
      resolve(sql, row.id);
      continue;
    }
    const isReplayedExhausted = row.state === "replaying" && row.reason === "retries_exhausted";
    const latest = isReplayedExhausted ? LATEST_OF_EXHAUSTED_MS : LATEST_MS;
    const later = now + Math.min(latest, Math.max(SOONEST_MS, waited));
    const lostAt = row.state === "replaying" ? (row.replayed_at ?? 0) + LOST_AFTER_MS : 0;
    sql.exec(
      "UPDATE entry SET check_at = ? WHERE id = ? AND check_at IS NOT NULL",
      lostAt > now ? Math.min(later, lostAt) : later,
      row.id,
    );
    if (status === undefined)
      sql.exec(
        "UPDATE entry SET state = 'open' WHERE id = ? AND state = 'replaying' AND replayed_at <= ?",
        row.id,
        now - LOST_AFTER_MS,
      );
  }
}

/** Settles an untraceable letter. If it failed again meanwhile, its `check_at` is null and it does not change. */
function settleUntraceable(sql: Sql, id: string, now: number): void {
  sql.exec(
    `UPDATE entry SET check_at = NULL, state = CASE WHEN state = 'replaying' THEN 'resolved' ELSE state END
     WHERE id = ? AND check_at <= ?`,
    id,
    now,
  );
}

function resolve(sql: Sql, id: string): void {
  sql.exec(
    "UPDATE entry SET state = 'resolved', check_at = NULL WHERE id = ? AND state IN ('open', 'replaying')",
    id,
  );
}
