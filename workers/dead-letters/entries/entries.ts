import type { DeadLetterEntry, DeadLetterState, Failure } from "../../../shared/api/dead-letters.ts";
import type { DeadLetterCounts } from "../../../shared/objects/dead-letters.ts";
import type { StageName } from "../../../shared/pipeline.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { conditionOf, type Filter } from "./filter.ts";
import { dismissErased, erasureOf, rememberErased, type ErasedEnvelope } from "./erased.ts";
import { attemptsOf, isNews } from "./history.ts";
import type { ParkedFacts } from "./record.ts";
import { recoveries } from "../replay/recovery.ts";

export type EntryRow = {
  id: string;
  stage: StageName;
  reason: string;
  error: string;
  tx_id: string | null;
  /** Id of the transaction whose envelope the message holds. */
  sealed_tx_id: string | null;
  block_number: number | null;
  first_seen: number;
  last_seen: number;
  /** JSON of the failures, the latest first. */
  failures: string;
  earlier_attempts: number;
  state: DeadLetterState;
  dismissed_by: string | null;
  dismissed_reason: string | null;
  dismissed_at: number | null;
  /** The replay that last sent the message; cleared when the message fails again. */
  replay_id: string | null;
  replayed_at: number | null;
  /** When to ask the chain head whether the work is done; null: it can't tell, or it does not matter. */
  check_at: number | null;
  /** 1: never replayed without an operator. Reindexing inserted the entry, and it has not failed or been replayed since. */
  needs_operator: number;
};

/**
 * parked: a message was just put into R2. reindexed: its record was read from R2, and earlier actions of operators are unknown.
 */
type NoteSource = "parked" | "reindexed";

/**
 * Updates the index from a record in R2. A new failure opens the entry, whatever its state was. A known failure or an older
 * record changes nothing. The entry of an erased transaction stays dismissed.
 * @returns the erasure that covers the record's envelope
 */
export function note(
  sql: Sql,
  parked: ParkedFacts,
  now: number,
  source: NoteSource = "parked",
): ErasedEnvelope | undefined {
  if (parked.erased !== undefined) rememberErased(sql, parked.erased);
  noteFailures(sql, parked, now, source);
  const erased = erasureOf(sql, parked.sealedTxId ?? parked.txId);
  if (erased !== undefined) dismissErased(sql, erased);
  return erased;
}

function noteFailures(sql: Sql, parked: ParkedFacts, now: number, source: NoteSource): void {
  const known = findEntry(sql, parked.id);
  if (parked.sealedTxId !== null)
    sql.exec("UPDATE entry SET sealed_tx_id = ? WHERE id = ?", parked.sealedTxId, parked.id);
  if (known !== undefined && source === "parked" && known.needs_operator === 1)
    sql.exec("UPDATE entry SET needs_operator = 0 WHERE id = ?", parked.id);
  if (known !== undefined && !parked.failures.some((failure) => isNews(failure, failuresOf(known)))) return;
  const isTraceable = parked.txId !== null || parked.blockNumber !== null;
  sql.exec(
    `INSERT INTO entry (id, stage, reason, error, tx_id, sealed_tx_id, block_number, first_seen, last_seen, failures, earlier_attempts, needs_operator, state, check_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?)
     ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, error = excluded.error, block_number = excluded.block_number,
       first_seen = excluded.first_seen, last_seen = excluded.last_seen, failures = excluded.failures,
       earlier_attempts = excluded.earlier_attempts, state = 'open', dismissed_by = NULL, dismissed_reason = NULL, dismissed_at = NULL, replay_id = NULL, check_at = excluded.check_at`,
    parked.id,
    parked.stage,
    parked.reason,
    parked.error,
    parked.txId,
    parked.sealedTxId,
    parked.blockNumber,
    parked.firstSeen,
    parked.lastSeen,
    JSON.stringify(parked.failures),
    parked.earlierAttempts ?? 0,
    source === "reindexed" ? 1 : 0,
    isTraceable ? now : null,
  );
  if (known?.replay_id !== undefined && known.replay_id !== null)
    sql.exec(
      "UPDATE replay_item SET outcome = 'failed', detail = ? WHERE replay_id = ? AND entry_id = ? AND outcome = 'replayed'",
      failedAgain(parked.reason),
      known.replay_id,
      known.id,
    );
}

export function failedAgain(reason: string): string {
  return `sent, and failed again: ${reason}`;
}

export function findEntry(sql: Sql, id: string): EntryRow | undefined {
  return sql.exec<EntryRow>("SELECT * FROM entry WHERE id = ?", id).toArray()[0];
}

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
  said: { by: string; reason: string },
  now: number,
): DeadLetterEntry | null {
  sql.exec(
    `UPDATE entry SET state = 'dismissed', dismissed_by = ?, dismissed_reason = ?, dismissed_at = ?, check_at = NULL
     WHERE id = ? AND state IN ('open', 'replaying')`,
    said.by,
    said.reason,
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
export function counts(sql: Sql): DeadLetterCounts {
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
    recovering: recoveries(sql),
  };
}

function failuresOf({ failures }: EntryRow): Failure[] {
  return JSON.parse(failures) as Failure[];
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
