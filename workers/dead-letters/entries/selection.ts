import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { Selection } from "../../../shared/api/dead-letters.ts";
import type { EntryRow } from "./entry-row.ts";
import { conditionOf } from "./filter.ts";

/** Size of a page of selected entries. */
export const ROWS_AT_ONCE = 500;

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

/** Lists the selected ids that the index does not know. */
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
