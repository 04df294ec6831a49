import type { Sql } from "../../shared/sqlite.ts";
import type { EntryRow } from "./entries.ts";
import type { Env } from "./env.ts";
import { ask, standingOf, type Known } from "./standing.ts";
import type { Store } from "./store.ts";

const CHECK_AT_ONCE = 100;
const SOONEST = 2_000; // milliseconds
const LATEST = 3_600_000;
/** Longer than a stage tries: 100 retries, at most five minutes apart. */
const LOST_AFTER = 24 * 3_600_000;

/** Finds out which of those that are due have been done meanwhile, by a replay or by other means. */
export async function checkDue(store: Store, env: Env, now: number): Promise<void> {
  const due = dueForCheck(store.sql, now);
  if (due.length === 0) return;
  const known = await ask(due, env);
  store.decide((later) => noteChecked(store.sql, due, known, later));
}

export function dueForCheck(sql: Sql, now: number): EntryRow[] {
  return sql
    .exec<EntryRow>("SELECT * FROM entry WHERE check_at <= ? ORDER BY check_at LIMIT ?", now, CHECK_AT_ONCE)
    .toArray();
}

/**
 * One that is not done is asked about again when it has waited for twice as long: an old one costs next to nothing.
 * One that was replayed, and has neither come back nor moved anything for a day, was lost on the way: it is open again.
 */
export function noteChecked(sql: Sql, checked: readonly EntryRow[], known: Known, now: number): void {
  for (const row of checked) {
    const waited = now - Math.max(row.last_seen, row.replayed_at ?? 0);
    const standing = standingOf(row, known);
    if (standing?.is === "done") {
      resolve(sql, row.id);
      continue;
    }
    sql.exec(
      "UPDATE entry SET check_at = ? WHERE id = ? AND check_at IS NOT NULL",
      now + Math.min(LATEST, Math.max(SOONEST, waited)),
      row.id,
    );
    if (standing === undefined)
      sql.exec(
        "UPDATE entry SET state = 'open' WHERE id = ? AND state = 'replaying' AND replayed_at <= ?",
        row.id,
        now - LOST_AFTER,
      );
  }
}

export function resolve(sql: Sql, id: string): void {
  sql.exec(
    "UPDATE entry SET state = 'resolved', check_at = NULL WHERE id = ? AND state IN ('open', 'replaying')",
    id,
  );
}
