import type { Replay, Selection } from "../../../shared/objects/dead-letters.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { EntryRow } from "../entries/entries.ts";
import { setValue } from "../key-values.ts";
import { conditionOf } from "../entries/filter.ts";
import { rememberAnswer, type Repeat, repeatOf } from "./idempotency.ts";

export interface ReplayRequest {
  readonly select: Selection;
  readonly reason: string;
  readonly ratePerSecond: number;
}

export type ReplayRefusal =
  | { readonly refused: "another_request" }
  | { readonly refused: "active"; readonly id: string }
  | { readonly refused: "unknown_entries"; readonly ids: readonly string[] };

/** Limit of one portion: each entry is a read of R2 and a send, and a call may make only so many. */
export const MOST_AT_ONCE = 100;

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
  /** JSON of a `Selecting`; null: all that is selected is in it. */
  selecting: string | null;
};

interface Selecting {
  readonly select: Selection;
  /** The last entry that was taken. */
  readonly after: Pick<EntryRow, "first_seen" | "id"> | null;
}

/**
 * Creates a replay of the entries that are selected at this moment; an entry that was first seen later is not in it. The first
 * entries are taken here, the others portion by portion while it runs, so that no call grows with the selection. One replay runs
 * at a time, and an operator's replay aborts an automatic one. The same key with the same request gets the same answer, whatever
 * happened to the replay since.
 */
export function createReplay(
  sql: Sql,
  request: ReplayRequest,
  made: { id: string; by: string; key: string | null; isAutomatic?: boolean },
  now: number,
): Replay | ReplayRefusal {
  const { id, by, key, isAutomatic = false } = made;
  const repeat: Repeat = key === null ? "none" : repeatOf(sql, key, request, now);
  if (repeat === "another_request") return { refused: "another_request" };
  if (repeat !== "none") return repeat;
  const active = activeReplay(sql);
  if (active !== undefined && (isAutomatic || active.automatic === 0))
    return { refused: "active", id: active.id };
  const unknown = unknownIds(sql, request.select);
  if (unknown.length > 0) return { refused: "unknown_entries", ids: unknown };
  if (active !== undefined) abort(sql, active.id, now);

  sql.exec(
    "INSERT INTO replay (id, state, reason, operator, created_at, rate, automatic, total, selecting) VALUES (?, 'running', ?, ?, ?, ?, ?, 0, ?)",
    id,
    request.reason,
    by,
    now,
    request.ratePerSecond,
    isAutomatic ? 1 : 0,
    JSON.stringify({ select: request.select, after: null } satisfies Selecting),
  );
  selectNext(sql);
  setValue(sql, "replayDue", now);
  endIfFinished(sql, id, now);
  const replay = replayById(sql, id);
  if (replay === null) throw new Error("the replay just made is not there");
  if (key !== null) rememberAnswer(sql, key, request, replay, now);
  return replay;
}

/** Takes the next entries into the running replay. */
export function selectNext(sql: Sql): void {
  const replay = activeReplay(sql);
  if (replay?.selecting === undefined || replay.selecting === null) return;
  const { select, after } = JSON.parse(replay.selecting) as Selecting;
  const rows = selectedAfter(sql, select, after, replay.created_at);
  const isWhole = after === null || "ids" in select; // and not what failed since the replay was made
  const known = isWhole ? rows : rows.filter((row) => row.first_seen <= replay.created_at);
  const [end] = sql
    .exec<{ position: number }>(
      "SELECT position FROM replay_item WHERE replay_id = ? ORDER BY position DESC LIMIT 1",
      replay.id,
    )
    .toArray();
  const taken = sql
    .exec(
      `INSERT INTO replay_item (replay_id, position, entry_id)
       SELECT ?, ? + key, value FROM json_each(?) WHERE TRUE ON CONFLICT (replay_id, entry_id) DO NOTHING RETURNING position`,
      replay.id,
      end === undefined ? 0 : end.position + 1,
      JSON.stringify(known.map(({ id }) => id)),
    )
    .toArray().length;
  const last = known.at(-1);
  const rest =
    last === undefined || known.length < ROWS_AT_ONCE
      ? null
      : JSON.stringify({ select, after: { first_seen: last.first_seen, id: last.id } } satisfies Selecting);
  sql.exec("UPDATE replay SET total = total + ?, selecting = ? WHERE id = ?", taken, rest, replay.id);
}

/**
 * Aborts a replay: sent entries stay sent, and nothing more is sent. An entry that was marked, but perhaps not sent before a
 * crash, is opened again. A replay that has ended does not change. Returns null for an unknown id.
 */
export function abort(sql: Sql, id: string, now: number): Replay | null {
  sql.exec("UPDATE replay SET state = 'aborted', ended_at = ? WHERE id = ? AND state = 'running'", now, id);
  // A portion holds the first waiting entries, so only these can be marked.
  sql.exec(
    `UPDATE entry SET state = 'open' WHERE id IN (SELECT value FROM json_each(?)) AND +state = 'replaying' AND replay_id = ?`,
    JSON.stringify(firstWaiting(sql, id, MOST_AT_ONCE)),
    id,
  );
  return replayById(sql, id);
}

export function activeReplay(sql: Sql): ReplayRow | undefined {
  return sql.exec<ReplayRow>("SELECT * FROM replay WHERE state = 'running'").toArray()[0];
}

export function endIfFinished(sql: Sql, id: string, now: number): void {
  if (firstWaiting(sql, id, 1).length > 0) return;
  sql.exec(
    "UPDATE replay SET state = 'done', ended_at = ? WHERE id = ? AND state = 'running' AND selecting IS NULL",
    now,
    id,
  );
}

/** Returns the ids of the next entries of a replay. */
function firstWaiting(sql: Sql, id: string, most: number): string[] {
  return sql
    .exec<{ entry_id: string }>(
      "SELECT entry_id FROM replay_item INDEXED BY replay_item_waiting WHERE replay_id = ? AND outcome = 'waiting' ORDER BY position LIMIT ?",
      id,
      most,
    )
    .toArray()
    .map(({ entry_id }) => entry_id);
}

function replayById(sql: Sql, id: string): Replay | null {
  const [row] = sql.exec<ReplayRow>("SELECT * FROM replay WHERE id = ?", id).toArray();
  return row === undefined ? null : replayOf(row);
}

const ITEMS_SHOWN = 1_000;

export function replayWithItems(sql: Sql, id: string): Replay | null {
  const replay = replayById(sql, id);
  if (replay === null) return null;
  const items = sql
    .exec<NonNullable<Replay["items"]>[number]>(
      "SELECT entry_id AS id, outcome, detail FROM replay_item WHERE replay_id = ? ORDER BY position LIMIT ?",
      id,
      ITEMS_SHOWN,
    )
    .toArray();
  return { ...replay, items };
}

const REPLAYS_SHOWN = 100;

/** Lists replays, the newest first. */
export function replays(sql: Sql): readonly Replay[] {
  return sql
    .exec<ReplayRow>("SELECT * FROM replay ORDER BY created_at DESC LIMIT ?", REPLAYS_SHOWN)
    .toArray()
    .map(replayOf);
}

function replayOf(row: ReplayRow): Replay {
  return {
    id: row.id,
    state: row.state,
    reason: row.reason,
    by: row.operator,
    createdAt: row.created_at,
    endedAt: row.ended_at,
    ratePerSecond: row.rate,
    automatic: row.automatic === 1,
    selecting: row.state === "running" && row.selecting !== null,
    total: row.total,
    replayed: row.replayed,
    skipped: row.skipped,
    failed: row.failed,
  };
}

export function unknownIds(sql: Sql, select: Selection): string[] {
  if (!("ids" in select)) return [];
  return sql
    .exec<{ id: string }>(
      "SELECT value AS id FROM json_each(?) WHERE value NOT IN (SELECT id FROM entry)",
      JSON.stringify(select.ids),
    )
    .toArray()
    .map(({ id }) => id);
}

/** Builds the SQL for a selection. A dismissed or resolved entry is selected only by its id or by a filter for its state. */
export function selected(
  select: Selection,
  now: number,
): { readonly from: string; readonly bindings: readonly (string | number)[] } {
  if ("ids" in select)
    return {
      from: "FROM entry WHERE id IN (SELECT value FROM json_each(?))",
      bindings: [JSON.stringify(select.ids)],
    };
  const filter = "filter" in select ? select.filter : {};
  const { where, bindings } = conditionOf({ state: "open", ...filter }, now);
  return { from: `FROM entry WHERE ${where}`, bindings };
}

const ROWS_AT_ONCE = 500;

/** Returns a page of the selected entries, the oldest first: in the order of their replay. */
export function selectedAfter(
  sql: Sql,
  select: Selection,
  after: Pick<EntryRow, "first_seen" | "id"> | null,
  now: number,
): EntryRow[] {
  const { from, bindings } = selected(select, now);
  return sql
    .exec<EntryRow>(
      `SELECT * ${from} AND (first_seen, id) > (?, ?) ORDER BY first_seen, id LIMIT ?`,
      ...bindings,
      after?.first_seen ?? -1,
      after?.id ?? "",
      ROWS_AT_ONCE,
    )
    .toArray();
}
