import type { ReplayPlan, Selection } from "../../../shared/api/dead-letters.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { EntryRow } from "../entries/entry-row.ts";
import { selectedAfter, unknownIds } from "../entries/selection.ts";
import { askChainHead, type ChainStates } from "../entries/work-status.ts";
import type { Env } from "../env.ts";
import type { ReplayRefusal } from "./create.ts";
import { decide } from "./decide.ts";
import { factsBeforeSending } from "./facts.ts";
import { whyInVain } from "./in-vain.ts";

/** Limit of shown entries: each costs one read of R2. */
const ITEMS_SHOWN = 100;
/** Limit of one call, however many entries are selected. */
const MOST_EXAMINED = 1_000;

type PlannedItem = ReplayPlan["items"][number];

/**
 * Says what `createReplay` would select now, and what would happen to each entry. For the shown entries it also says which would
 * fail again. The replay sends these too, because the operator may know better.
 */
export async function planReplay(
  sql: Sql,
  env: Env,
  select: Selection,
  now: number,
): Promise<ReplayPlan | ReplayRefusal> {
  const unknown = unknownIds(sql, select);
  if (unknown.length > 0) return { refused: "unknown_entries", ids: unknown };
  const counts = { wouldReplay: 0, wouldFail: 0, wouldSkip: 0 };
  const items: PlannedItem[] = [];
  let total = 0;
  let rows = selectedAfter(sql, select, null, now);
  while (rows.length > 0 && total < MOST_EXAMINED) {
    const states = await askChainHead(rows, env);
    const planned = rows.map((row) => plannedItem(sql, row, states, now));
    const shown = await withVain(rows, planned.slice(0, ITEMS_SHOWN - items.length), env);
    for (const { action } of [...shown, ...planned.slice(shown.length)]) counts[COUNT_OF[action]]++;
    items.push(...shown);
    total += rows.length;
    rows = selectedAfter(sql, select, rows.at(-1) ?? null, now);
  }
  return { dryRun: true, total, ...counts, more: rows.length > 0, items };
}

const COUNT_OF = { replay: "wouldReplay", fail_again: "wouldFail", skip: "wouldSkip" } as const;

/** A replay that is created now has not tried any entry. */
function plannedItem(sql: Sql, row: EntryRow, states: ChainStates, now: number): PlannedItem {
  const { id, stage, tx_id: txId, block_number: blockNumber } = row;
  const { entry, item } = decide(factsBeforeSending(sql, { row, tries: 0 }, states, now));
  const action = entry === "send" ? "replay" : "skip";
  return { id, stage, txId, blockNumber, action, detail: item.detail };
}

/** Marks the items whose entries would be sent and would fail again, with the reason. */
async function withVain(
  rows: readonly EntryRow[],
  items: readonly PlannedItem[],
  env: Env,
): Promise<PlannedItem[]> {
  const sent = rows.filter((_, i) => items[i]?.action === "replay");
  const reasons = await whyInVain(sent, env);
  const reasonOf = new Map(sent.map(({ id }, i) => [id, reasons[i]]));
  return items.map((item) => {
    const detail = reasonOf.get(item.id);
    return detail === undefined ? item : { ...item, action: "fail_again", detail };
  });
}
