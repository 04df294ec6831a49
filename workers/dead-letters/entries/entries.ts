import type { DeadLetterEntry, DeadLetterState } from "../../../shared/api/dead-letters.ts";
import type { DeadLetterCounts } from "../../../shared/objects/dead-letters.ts";
import type { StageName } from "../../../shared/pipeline.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { conditionOf, type Filter } from "./filter.ts";
import { attemptsOf } from "./history.ts";
import { failuresOf, findEntry, type EntryRow } from "./entry-row.ts";

export function entry(sql: Sql, id: string): DeadLetterEntry | null {
  const row = findEntry(sql, id);
  return row === undefined ? null : entryOf(row);
}

/** The last entry of a page. */
export interface Cursor {
  readonly firstSeen: number;
  readonly id: string;
}

/**
 * Lists entries, the newest first. They are ordered by their first failure, which never changes, so no page repeats an entry that
 * fails again meanwhile.
 */
export function list(
  sql: Sql,
  filter: Filter,
  after: Cursor | null,
  limit: number,
  now: number,
): readonly DeadLetterEntry[] {
  const { where, bindings } = conditionOf(filter, now);
  return sql
    .exec<EntryRow>(
      `SELECT * FROM entry WHERE ${where} AND (first_seen, id) < (?, ?) ORDER BY first_seen DESC, id DESC LIMIT ?`,
      ...bindings,
      after?.firstSeen ?? Number.MAX_SAFE_INTEGER,
      after?.id ?? "",
      limit,
    )
    .toArray()
    .map(entryOf);
}

/** Dismisses an entry with a reason. A resolved or dismissed entry does not change. Returns null for an unknown id. */
export function dismiss(
  sql: Sql,
  id: string,
  dismissal: { by: string; reason: string },
  now: number,
): DeadLetterEntry | null {
  sql.exec(
    `UPDATE entry SET state = 'dismissed', dismissed_by = ?, dismissed_reason = ?, dismissed_at = ?, check_at = NULL
     WHERE id = ? AND state IN ('open', 'replaying')`,
    dismissal.by,
    dismissal.reason,
    now,
    id,
  );
  return entry(sql, id);
}

/** Resolves the entries of a block and stage, because a caller that knows reports the stage's work as done. */
export function resolved(sql: Sql, { stage, blockNumber }: { stage: StageName; blockNumber: number }): void {
  sql.exec(
    `UPDATE entry SET state = 'resolved', check_at = NULL
     WHERE stage = ? AND block_number = ? AND +state IN ('open', 'replaying')`, // +: SQLite then uses the index over blocks
    stage,
    blockNumber,
  );
}

/**
 * Returns the counts of entries. Triggers of the schema keep them, so the cost does not grow with the number of parked messages.
 */
export function counts(sql: Sql): Omit<DeadLetterCounts, "recovering"> {
  const rows = sql
    .exec<{ state: DeadLetterState; stage: StageName; entries: number }>(
      "SELECT state, stage, entries FROM counted WHERE entries > 0",
    )
    .toArray();
  const [oldest] = sql
    .exec<{ first_seen: number }>(
      "SELECT first_seen FROM entry WHERE state = 'open' ORDER BY first_seen LIMIT 1",
    )
    .toArray();
  const of = (state: DeadLetterState) => rows.filter((row) => row.state === state);
  const sum = (state: DeadLetterState) => of(state).reduce((total, { entries }) => total + entries, 0);
  return {
    open: Object.fromEntries(of("open").map(({ stage, entries }) => [stage, entries])),
    replaying: sum("replaying"),
    resolved: sum("resolved"),
    dismissed: sum("dismissed"),
    oldestOpenAt: oldest?.first_seen ?? null,
  };
}

function entryOf(row: EntryRow): DeadLetterEntry {
  const failures = failuresOf(row);
  const { dismissed_by: by, dismissed_reason: reason, dismissed_at: at } = row;
  return {
    id: row.id,
    stage: row.stage,
    reason: row.reason,
    error: row.error,
    attempts: attemptsOf({ failures, earlierAttempts: row.earlier_attempts }),
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    txId: row.tx_id,
    blockNumber: row.block_number,
    state: row.state,
    replaysItself: row.state === "open" && row.reason === "retries_exhausted" && row.needs_operator === 0,
    dismissed: by === null || reason === null || at === null ? null : { by, reason, at },
    failures,
  };
}
