import type { Replay, Selection } from "../../shared/dead-letters.ts";
import type { Sql } from "../../shared/sqlite.ts";
import { writeFact } from "./facts.ts";
import { conditionOf } from "./filter.ts";
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

export type ReplayRow = {
  id: string;
  state: Replay["state"];
  reason: string;
  operator: string;
  created_at: number;
  ended_at: number | null;
  rate: number;
  total: number;
};

/**
 * Makes a replay of what is selected at this moment: what fails later is not in it. One runs at a time. The same key
 * with the same request gets the same answer, whatever has become of the replay.
 */
export function createReplay(
  sql: Sql,
  request: ReplayRequest,
  made: { id: string; by: string; key: string | null },
  now: number,
): Replay | ReplayRefusal {
  const { id, by, key } = made;
  const repeat: Repeat = key === null ? "none" : repeatOf(sql, key, request, now);
  if (repeat === "another_request") return { refused: "another_request" };
  if (repeat !== "none") return repeat;
  const active = activeReplay(sql);
  if (active !== undefined) return { refused: "active", id: active.id };
  const unknown = unknownIds(sql, request.select);
  if (unknown.length > 0) return { refused: "unknown_entries", ids: unknown };

  const { from, bindings } = selected(request.select, now);
  sql.exec(
    `INSERT INTO replay_item (replay_id, position, entry_id)
     SELECT ?, row_number() OVER (ORDER BY first_seen, id) - 1, id ${from}`,
    id,
    ...bindings,
  );
  const [items] = sql
    .exec<{ total: number }>("SELECT count(*) AS total FROM replay_item WHERE replay_id = ?", id)
    .toArray();
  sql.exec(
    "INSERT INTO replay (id, state, reason, operator, created_at, rate, total) VALUES (?, 'running', ?, ?, ?, ?, ?)",
    id,
    request.reason,
    by,
    now,
    request.ratePerSecond,
    items?.total ?? 0,
  );
  writeFact(sql, "replayDue", now);
  endIfFinished(sql, id, now);
  const replay = replayById(sql, id);
  if (replay === null) throw new Error("the replay just made is not there");
  if (key !== null) rememberAnswer(sql, key, request, replay, now);
  return replay;
}

/**
 * Nothing more is sent; what was sent stays sent. What was marked, and may not have been sent before a crash, is open
 * again. One that has ended stays as it is. Null: unknown.
 */
export function abort(sql: Sql, id: string, now: number): Replay | null {
  sql.exec("UPDATE replay SET state = 'aborted', ended_at = ? WHERE id = ? AND state = 'running'", now, id);
  sql.exec(
    `UPDATE entry SET state = 'open' WHERE state = 'replaying' AND replay_id = ? AND id IN
     (SELECT entry_id FROM replay_item WHERE replay_id = entry.replay_id AND outcome = 'waiting')`,
    id,
  );
  return replayById(sql, id);
}

export function activeReplay(sql: Sql): ReplayRow | undefined {
  return sql.exec<ReplayRow>("SELECT * FROM replay WHERE state = 'running'").toArray()[0];
}

export function endIfFinished(sql: Sql, id: string, now: number): void {
  sql.exec(
    `UPDATE replay SET state = 'done', ended_at = ? WHERE id = ? AND state = 'running' AND NOT EXISTS
     (SELECT 1 FROM replay_item WHERE replay_id = replay.id AND outcome = 'waiting')`,
    now,
    id,
  );
}

export function replayById(sql: Sql, id: string): Replay | null {
  const [row] = sql.exec<ReplayRow>("SELECT * FROM replay WHERE id = ?", id).toArray();
  return row === undefined ? null : replayOf(sql, row);
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

/** The newest first. */
export function replays(sql: Sql): readonly Replay[] {
  return sql
    .exec<ReplayRow>("SELECT * FROM replay ORDER BY created_at DESC, id LIMIT ?", REPLAYS_SHOWN)
    .toArray()
    .map((row) => replayOf(sql, row));
}

function replayOf(sql: Sql, row: ReplayRow): Replay {
  const outcomes = sql
    .exec<{ outcome: string; items: number }>(
      "SELECT outcome, count(*) AS items FROM replay_item WHERE replay_id = ? GROUP BY outcome",
      row.id,
    )
    .toArray();
  const of = (outcome: string) => outcomes.find((found) => found.outcome === outcome)?.items ?? 0;
  return {
    id: row.id,
    state: row.state,
    reason: row.reason,
    by: row.operator,
    createdAt: row.created_at,
    endedAt: row.ended_at,
    ratePerSecond: row.rate,
    total: row.total,
    replayed: of("replayed"),
    skipped: of("skipped"),
    failed: of("failed"),
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

/** What was dismissed, or is resolved, is in it only when it was named, or its state was. */
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
