import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { Replay, Selection } from "../../../shared/api/dead-letters.ts";
import type { EntryRow } from "../entries/entry-row.ts";
import { ROWS_AT_ONCE, selectedAfter, unknownIds } from "../entries/selection.ts";
import { setValue } from "../key-values.ts";
import { rememberAnswer, type Repeat, repeatOf } from "./idempotency.ts";
import { replayById } from "./list.ts";
import { abort, activeReplay, addItems, endIfFinished, insertReplay } from "./store.ts";

export interface NewReplay {
  readonly select: Selection;
  readonly reason: string;
  readonly ratePerSecond: number;
}

export type ReplayRefusal =
  | { readonly refused: "another_request" }
  | { readonly refused: "active"; readonly id: string }
  | { readonly refused: "unknown_entries"; readonly ids: readonly string[] };

/** The rest of a replay's selection. */
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
  request: NewReplay,
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

  insertReplay(sql, {
    id,
    reason: request.reason,
    operator: by,
    created_at: now,
    rate: request.ratePerSecond,
    automatic: isAutomatic ? 1 : 0,
    selecting: JSON.stringify({ select: request.select, after: null } satisfies Selecting),
  });
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
  const last = known.at(-1);
  const rest =
    last === undefined || known.length < ROWS_AT_ONCE
      ? null
      : JSON.stringify({ select, after: { first_seen: last.first_seen, id: last.id } } satisfies Selecting);
  addItems(
    sql,
    replay.id,
    known.map(({ id }) => id),
    rest,
  );
}
