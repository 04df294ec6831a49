import type { DismissalPlan, Dismissed, Selection } from "../../../shared/api/dead-letters.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { EntryRow } from "./entry-row.ts";
import { selected, selectedAfter, unknownIds } from "./selection.ts";

export interface DismissalRequest {
  readonly select: Selection;
  readonly reason: string;
  /** Leaves an entry alone if it failed after this time: the operator has not seen that failure. */
  readonly asOf?: number | undefined;
}

export interface DismissalRefusal {
  readonly refused: "unknown_entries";
  readonly ids: readonly string[];
}

/** Limit of one call. */
const MOST_AT_ONCE = 500;
const ITEMS_SHOWN = 100;
/** A dry run looks at so many, however many are selected. */
const MOST_EXAMINED = 1_000;

/** Says what `dismissSelected` would dismiss now, in as many calls as it takes: the oldest of the selected letters. */
export function planDismissal(sql: Sql, select: Selection, now: number): DismissalPlan | DismissalRefusal {
  const unknown = unknownIds(sql, select);
  if (unknown.length > 0) return { refused: "unknown_entries", ids: unknown };
  let total = 0;
  let wouldDismiss = 0;
  const items: DismissalPlan["items"] = [];
  let rows = selectedAfter(sql, select, null, now);
  for (
    ;
    rows.length > 0 && total < MOST_EXAMINED;
    rows = selectedAfter(sql, select, rows.at(-1) ?? null, now)
  )
    for (const row of rows) {
      const isDismissible = DISMISSIBLE.includes(row.state);
      total++;
      if (isDismissible) wouldDismiss++;
      if (items.length < ITEMS_SHOWN) items.push(itemOf(row, isDismissible));
    }
  const wouldSkip = total - wouldDismiss;
  return { dryRun: true, asOf: now, total, wouldDismiss, wouldSkip, more: rows.length > 0, items };
}

const DISMISSIBLE: readonly EntryRow["state"][] = ["open", "replaying"];

function itemOf(row: EntryRow, isDismissible: boolean): DismissalPlan["items"][number] {
  const { id, stage, reason, tx_id: txId, block_number: blockNumber } = row;
  const action = isDismissible ? "dismiss" : "skip";
  return { id, stage, reason, txId, blockNumber, action, detail: isDismissible ? "" : `is ${row.state}` };
}

/** Dismisses the oldest selected entries with a reason. A resolved or dismissed entry does not change. */
export function dismissSelected(
  sql: Sql,
  { select, reason, asOf = Number.MAX_SAFE_INTEGER }: DismissalRequest,
  by: string,
  now: number,
): Dismissed | DismissalRefusal {
  const unknown = unknownIds(sql, select);
  if (unknown.length > 0) return { refused: "unknown_entries", ids: unknown };
  const { from, bindings } = selected(select, now);
  const dismissed = sql
    .exec(
      `UPDATE entry SET state = 'dismissed', dismissed_by = ?, dismissed_reason = ?, dismissed_at = ?, check_at = NULL
       WHERE id IN (SELECT id ${from} AND last_seen <= ? AND +state IN ('open', 'replaying') ORDER BY first_seen, id LIMIT ?)
       RETURNING id`,
      by,
      reason,
      now,
      ...bindings,
      asOf,
      MOST_AT_ONCE,
    )
    .toArray().length;
  return { dryRun: false, dismissed, more: dismissed === MOST_AT_ONCE };
}
