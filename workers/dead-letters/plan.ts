import type { ReplayPlan, Selection } from "../../shared/dead-letters.ts";
import type { Sql } from "../../shared/sqlite.ts";
import { actionFor } from "./actions.ts";
import type { Env } from "./env.ts";
import { selectedAfter, unknownIds, type ReplayRefusal } from "./replays.ts";
import { ask } from "./standing.ts";

const ITEMS_SHOWN = 100;

/** What `createReplay` would select now, and what would happen to it. Page by page: all of it may not fit into memory. */
export async function planReplay(
  sql: Sql,
  env: Env,
  select: Selection,
  now: number,
): Promise<ReplayPlan | ReplayRefusal> {
  const unknown = unknownIds(sql, select);
  if (unknown.length > 0) return { refused: "unknown_entries", ids: unknown };
  let total = 0;
  let wouldReplay = 0;
  const items: ReplayPlan["items"] = [];
  let rows = selectedAfter(sql, select, null, now);
  for (; rows.length > 0; rows = selectedAfter(sql, select, rows.at(-1) ?? null, now)) {
    const known = await ask(rows, env);
    for (const row of rows) {
      const action = actionFor(sql, row, known, now);
      total++;
      if (action.do === "replay") wouldReplay++;
      if (items.length === ITEMS_SHOWN) continue;
      const { id, stage, tx_id: txId, block_number: blockNumber } = row;
      items.push({ id, stage, txId, blockNumber, action: action.do, detail: action.detail });
    }
  }
  return { dryRun: true, total, wouldReplay, wouldSkip: total - wouldReplay, items };
}
