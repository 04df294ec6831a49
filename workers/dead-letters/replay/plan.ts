import type { ReplayPlan, Selection } from "../../../shared/api/dead-letters.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { actionFor } from "./actions.ts";
import type { EntryRow } from "../entries/entries.ts";
import type { Env } from "../env.ts";
import { whyInVain } from "./in-vain.ts";
import { selectedAfter, unknownIds, type ReplayRefusal } from "./replays.ts";
import { ask, type Known } from "../entries/standing.ts";

/** Limit of shown entries: each costs one read of R2. */
const ITEMS_SHOWN = 100;
/** Limit of one call, however many entries are selected. */
const MOST_EXAMINED = 1_000;

type Item = ReplayPlan["items"][number];

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
  const items: Item[] = [];
  let total = 0;
  let rows = selectedAfter(sql, select, null, now);
  while (rows.length > 0 && total < MOST_EXAMINED) {
    const known = await ask(rows, env);
    const shown = await itemsOf(sql, env, rows.slice(0, ITEMS_SHOWN - items.length), known, now);
    const others = rows.slice(shown.length).map((row) => actionFor(sql, row, known, now).do);
    for (const action of [...shown.map((item) => item.action), ...others]) counts[COUNT_OF[action]]++;
    items.push(...shown);
    total += rows.length;
    rows = selectedAfter(sql, select, rows.at(-1) ?? null, now);
  }
  return { dryRun: true, total, ...counts, more: rows.length > 0, items };
}

const COUNT_OF = { replay: "wouldReplay", fail_again: "wouldFail", skip: "wouldSkip" } as const;

async function itemsOf(
  sql: Sql,
  env: Env,
  rows: readonly EntryRow[],
  known: Known,
  now: number,
): Promise<Item[]> {
  const actions = rows.map((row) => actionFor(sql, row, known, now));
  const sent = rows.filter((_, i) => actions[i]?.do === "replay");
  const inVain = await whyInVain(sent, env);
  return rows.map((row, i) => {
    const { id, stage, tx_id: txId, block_number: blockNumber } = row;
    const { do: action = "replay", detail = "" } = actions[i] ?? {};
    const why = inVain[sent.indexOf(row)];
    const told = why === undefined ? { action, detail } : { action: "fail_again" as const, detail: why };
    return { id, stage, txId, blockNumber, ...told };
  });
}
