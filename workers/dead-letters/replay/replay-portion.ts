import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { actionFor, replayed } from "./actions.ts";
import { LOST_AFTER, resolve } from "../entries/check.ts";
import { failedAgain, findEntry, type EntryRow } from "../entries/entries.ts";
import { endIfFinished, type ReplayRow } from "./replays.ts";
import { isTraceable, type Known } from "../entries/standing.ts";

type ItemRow = { position: number; entry_id: string; tries: number };

/** The result of sending an entry. `again`: it was not sent, but may be tried again. */
export interface Sent {
  readonly outcome: "replayed" | "skipped" | "failed" | "again";
  readonly detail: string;
}

const MOST_TRIES = 5;
const SOONEST_CHECK = 2_000; // milliseconds

/** Returns the replay's next entries. */
export function nextPortion(sql: Sql, replayId: string, size: number): { item: ItemRow; row: EntryRow }[] {
  return sql
    .exec<ItemRow>(
      "SELECT position, entry_id, tries FROM replay_item INDEXED BY replay_item_waiting WHERE replay_id = ? AND outcome = 'waiting' ORDER BY position LIMIT ?",
      replayId,
      size,
    )
    .toArray()
    .map((item) => {
      const row = findEntry(sql, item.entry_id);
      if (row === undefined) throw new Error(`dead letter ${item.entry_id} is not in the index`);
      return { item, row };
    });
}

/**
 * Settles the entries that need no replay, and returns the others. They are marked as replaying before they are sent, so that an
 * entry that fails again at once is opened after the mark, not before. Returns nothing once the replay is aborted.
 */
export function begin(sql: Sql, replay: ReplayRow, size: number, known: Known, now: number): EntryRow[] {
  if (!isRunning(sql, replay.id)) return [];
  return nextPortion(sql, replay.id, size).flatMap(({ item, row }) => {
    const action = actionFor(sql, row, known, replay.created_at);
    if (action.do === "replay") {
      markReplaying(sql, replay.id, row.id, now);
      return [row];
    }
    // A letter that was tried before a crash, and whose work is done now, was done by this replay.
    if (item.tries > 0) settle(sql, replay.id, row.id, { outcome: "replayed", detail: replayed(row) });
    else settle(sql, replay.id, row.id, { outcome: "skipped", detail: action.detail });
    if (action.isDone) resolve(sql, row.id);
    return [];
  });
}

/** Records the results, and ends the replay when no entry is left. */
export function finish(sql: Sql, replay: ReplayRow, sent: ReadonlyMap<string, Sent>, now: number): void {
  for (const [id, result] of sent) {
    const row = findEntry(sql, id);
    if (row === undefined) throw new Error(`dead letter ${id} is not in the index`);
    const isOurs = row.replay_id === replay.id;
    if (result.outcome === "again" && mayTryAgain(sql, replay.id, id)) continue;
    if (result.outcome === "replayed" && row.state === "open" && !isOurs)
      settle(sql, replay.id, id, { outcome: "failed", detail: failedAgain(row.reason) });
    else if (result.outcome === "again" || result.outcome === "failed") {
      settle(sql, replay.id, id, { outcome: "failed", detail: result.detail });
      if (isOurs) sql.exec("UPDATE entry SET state = 'open' WHERE id = ? AND state = 'replaying'", id);
    } else {
      settle(sql, replay.id, id, result);
      // An abort opened the entry while it was being sent.
      if (isOurs) sql.exec("UPDATE entry SET state = 'replaying' WHERE id = ? AND state = 'open'", id);
      if (isOurs && !isTraceable(row)) settleUntraceable(sql, id, replay, now);
    }
  }
  endIfFinished(sql, replay.id, now);
}

/**
 * Settles a letter whose work no Worker reports. An operator who replays it has removed the cause, so it counts as done until it
 * fails again. A letter of an automatic replay may meet the same outage, so it counts as done only when it has not come back
 * after `LOST_AFTER`.
 */
function settleUntraceable(sql: Sql, id: string, { automatic }: ReplayRow, now: number): void {
  if (automatic === 0) resolve(sql, id);
  else sql.exec("UPDATE entry SET check_at = ? WHERE id = ? AND state = 'replaying'", now + LOST_AFTER, id);
}

function isRunning(sql: Sql, replayId: string): boolean {
  return sql.exec("SELECT 1 FROM replay WHERE id = ? AND state = 'running'", replayId).toArray().length > 0;
}

function markReplaying(sql: Sql, replayId: string, entryId: string, now: number): void {
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
    now + SOONEST_CHECK,
    entryId,
  );
}

function settle(sql: Sql, replayId: string, entryId: string, { outcome, detail }: Sent): void {
  sql.exec(
    "UPDATE replay_item SET outcome = ?, detail = ? WHERE replay_id = ? AND entry_id = ?",
    outcome,
    detail,
    replayId,
    entryId,
  );
}

function mayTryAgain(sql: Sql, replayId: string, entryId: string): boolean {
  const [item] = sql
    .exec<{ tries: number }>(
      "SELECT tries FROM replay_item WHERE replay_id = ? AND entry_id = ?",
      replayId,
      entryId,
    )
    .toArray();
  return isRunning(sql, replayId) && item !== undefined && item.tries < MOST_TRIES;
}
