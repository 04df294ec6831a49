import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { Replay } from "../../../shared/api/dead-letters.ts";
import { LOST_AFTER_MS } from "../entries/check.ts";
import { findEntry, type EntryRow } from "../entries/entry-row.ts";
import type { ReplayDecision } from "./decide.ts";

/** Limit of one portion: each entry is a read of R2 and a send, and a call may make only so many. */
export const MOST_AT_ONCE = 100;
/** The first time at which a letter that was sent is looked up at the chain head. */
const SOONEST_CHECK_MS = 2_000;

export type ReplayRow = {
  id: string;
  state: Replay["state"];
  reason: string;
  operator: string;
  created_at: number;
  ended_at: number | null;
  rate: number;
  /** 1: the object itself created the replay, because a stage may work again. */
  automatic: number;
  total: number;
  replayed: number;
  skipped: number;
  failed: number;
  /** JSON of the rest of the selection, which `create.ts` takes; null: all that is selected is in the replay. */
  selecting: string | null;
};

export function insertReplay(
  sql: Sql,
  row: Pick<ReplayRow, "id" | "reason" | "operator" | "created_at" | "rate" | "automatic" | "selecting">,
): void {
  sql.exec(
    "INSERT INTO replay (id, state, reason, operator, created_at, rate, automatic, total, selecting) VALUES (?, 'running', ?, ?, ?, ?, ?, 0, ?)",
    row.id,
    row.reason,
    row.operator,
    row.created_at,
    row.rate,
    row.automatic,
    row.selecting,
  );
}

export function activeReplay(sql: Sql): ReplayRow | undefined {
  return sql.exec<ReplayRow>("SELECT * FROM replay WHERE state = 'running'").toArray()[0];
}

export function findReplay(sql: Sql, id: string): ReplayRow | undefined {
  return sql.exec<ReplayRow>("SELECT * FROM replay WHERE id = ?", id).toArray()[0];
}

/** Adds entries at the end of a replay, each once, and notes what is left of its selection. */
export function addItems(sql: Sql, id: string, entryIds: readonly string[], selecting: string | null): void {
  const [end] = sql
    .exec<{ position: number }>(
      "SELECT position FROM replay_item WHERE replay_id = ? ORDER BY position DESC LIMIT 1",
      id,
    )
    .toArray();
  const added = sql
    .exec(
      `INSERT INTO replay_item (replay_id, position, entry_id)
       SELECT ?, ? + key, value FROM json_each(?) WHERE TRUE ON CONFLICT (replay_id, entry_id) DO NOTHING RETURNING position`,
      id,
      end === undefined ? 0 : end.position + 1,
      JSON.stringify(entryIds),
    )
    .toArray().length;
  sql.exec("UPDATE replay SET total = total + ?, selecting = ? WHERE id = ?", added, selecting, id);
}

export interface PortionItem {
  readonly row: EntryRow;
  /** Number of times that the replay has marked the entry to be sent. */
  readonly tries: number;
}

/** Returns the first items that the replay is not done with. */
export function nextPortion(sql: Sql, replayId: string, size: number): PortionItem[] {
  return waitingItems(sql, replayId, size).map(({ entry_id: id, tries }) => ({
    row: knownEntry(sql, id),
    tries,
  }));
}

/** Returns the item of an entry with the entry as it is at this moment. */
export function itemOf(sql: Sql, replayId: string, entryId: string): PortionItem {
  const [item] = sql
    .exec<{ tries: number }>(
      "SELECT tries FROM replay_item WHERE replay_id = ? AND entry_id = ?",
      replayId,
      entryId,
    )
    .toArray();
  if (item === undefined) throw new Error(`dead letter ${entryId} is not in replay ${replayId}`);
  return { row: knownEntry(sql, entryId), tries: item.tries };
}

function knownEntry(sql: Sql, id: string): EntryRow {
  const row = findEntry(sql, id);
  if (row === undefined) throw new Error(`dead letter ${id} is not in the index`);
  return row;
}

function waitingItems(sql: Sql, replayId: string, most: number): { entry_id: string; tries: number }[] {
  return sql
    .exec<{ entry_id: string; tries: number }>(
      "SELECT entry_id, tries FROM replay_item INDEXED BY replay_item_waiting WHERE replay_id = ? AND outcome = 'waiting' ORDER BY position LIMIT ?",
      replayId,
      most,
    )
    .toArray();
}

/** Carries out a decision about an entry and its item. */
export function carryOut(
  sql: Sql,
  replayId: string,
  entryId: string,
  { entry, item }: ReplayDecision,
  now: number,
): void {
  if (item.outcome !== "waiting")
    sql.exec(
      "UPDATE replay_item SET outcome = ?, detail = ? WHERE replay_id = ? AND entry_id = ?",
      item.outcome,
      item.detail,
      replayId,
      entryId,
    );
  switch (entry) {
    case "keep":
      return;
    case "send":
      return markToSend(sql, replayId, entryId, now);
    case "open":
    case "replaying":
      return void sql.exec("UPDATE entry SET state = ? WHERE id = ?", entry, entryId);
    case "resolved":
      return void sql.exec("UPDATE entry SET state = 'resolved', check_at = NULL WHERE id = ?", entryId);
    case "await_return":
      return void sql.exec(
        "UPDATE entry SET state = 'replaying', check_at = ? WHERE id = ?",
        now + LOST_AFTER_MS,
        entryId,
      );
  }
}

function markToSend(sql: Sql, replayId: string, entryId: string, now: number): void {
  sql.exec(
    "UPDATE replay_item SET tries = tries + 1 WHERE replay_id = ? AND entry_id = ?",
    replayId,
    entryId,
  );
  sql.exec(
    `UPDATE entry SET state = 'replaying', replay_id = ?, replayed_at = ?, dismissed_by = NULL, dismissed_reason = NULL,
       dismissed_at = NULL, needs_operator = 0, check_at = CASE WHEN tx_id IS NULL AND block_number IS NULL THEN NULL ELSE ? END
     WHERE id = ?`,
    replayId,
    now,
    now + SOONEST_CHECK_MS,
    entryId,
  );
}

/** Counts a message that a replay has sent as failed, because it failed again. */
export function failSentItem(sql: Sql, replayId: string, entryId: string, detail: string): void {
  sql.exec(
    "UPDATE replay_item SET outcome = 'failed', detail = ? WHERE replay_id = ? AND entry_id = ? AND outcome = 'replayed'",
    detail,
    replayId,
    entryId,
  );
}

/** Ends a replay that has no item left. */
export function endIfFinished(sql: Sql, id: string, now: number): void {
  if (waitingItems(sql, id, 1).length > 0) return;
  sql.exec(
    "UPDATE replay SET state = 'done', ended_at = ? WHERE id = ? AND state = 'running' AND selecting IS NULL",
    now,
    id,
  );
}

/**
 * Aborts a replay: sent entries stay sent, and nothing more is sent. An entry that was marked, but perhaps not sent before a
 * crash, is opened again. A replay that has ended does not change.
 */
export function abort(sql: Sql, id: string, now: number): void {
  sql.exec("UPDATE replay SET state = 'aborted', ended_at = ? WHERE id = ? AND state = 'running'", now, id);
  // A portion holds the first waiting entries, so only these can be marked.
  sql.exec(
    `UPDATE entry SET state = 'open' WHERE id IN (SELECT value FROM json_each(?)) AND +state = 'replaying' AND replay_id = ?`,
    JSON.stringify(waitingItems(sql, id, MOST_AT_ONCE).map(({ entry_id }) => entry_id)),
    id,
  );
}
