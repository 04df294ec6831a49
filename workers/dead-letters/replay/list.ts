import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { Replay } from "../../../shared/api/dead-letters.ts";
import { findReplay, type ReplayRow } from "./store.ts";

const REPLAYS_SHOWN = 100;
const ITEMS_SHOWN = 1_000;

/** Lists replays, the newest first. */
export function replays(sql: Sql): readonly Replay[] {
  return sql
    .exec<ReplayRow>("SELECT * FROM replay ORDER BY created_at DESC LIMIT ?", REPLAYS_SHOWN)
    .toArray()
    .map(replayOf);
}

export function replayById(sql: Sql, id: string): Replay | null {
  const row = findReplay(sql, id);
  return row === undefined ? null : replayOf(row);
}

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
