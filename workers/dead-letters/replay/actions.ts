import { queueName } from "../../../shared/pipeline.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { EntryRow } from "../entries/entries.ts";
import { isErased } from "../entries/erased.ts";
import { isSetAside, standingOf, type Known } from "../entries/standing.ts";

/** The action of a replay on an entry. `isDone`: the stage's work for the entry is done. */
export type Action =
  | { readonly do: "replay"; readonly detail: string }
  | { readonly do: "skip"; readonly detail: string; readonly isDone: boolean };

export const ERASED = "erased on request: nothing is left of it";

/**
 * Decides what a replay does with an entry; the same for a dry run.
 * @param since when the replay was created: an entry that an operator dismissed after that is skipped
 */
export function actionFor(sql: Sql, row: EntryRow, known: Known, since: number): Action {
  if (isErased(sql, row)) return { do: "skip", detail: ERASED, isDone: false };
  const standing = standingOf(row, known);
  if (standing !== undefined) return { do: "skip", detail: standing.detail, isDone: standing.is === "done" };
  if (row.state === "resolved") return { do: "skip", detail: "was resolved before", isDone: false };
  if (row.state === "dismissed" && (row.dismissed_at ?? 0) > since)
    return { do: "skip", detail: `dismissed meanwhile by ${row.dismissed_by}`, isDone: false };
  return { do: "replay", detail: replayed(row) };
}

export function replayed(row: EntryRow): string {
  return isSetAside(row) ? "waits for a block again" : `to ${queueName(row.stage)} again`;
}
