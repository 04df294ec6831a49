import type { ChainRules } from "../../shared/chain/rules.ts";
import { STAGE_AFTER } from "../../shared/chain/states.ts";
import type { BlockRow } from "./blocks.ts";
import { readFact, writeFact } from "./facts.ts";
import type { Sql } from "./schema.ts";

export type StalledStage = NonNullable<(typeof STAGE_AFTER)[keyof typeof STAGE_AFTER]>;

/**
 * To be called when a block's stage was told of it again. It has not stalled if it was made due on purpose (after a
 * restart or a halt), nor if the miner was told of other work while it had just begun with this block.
 */
export function countStall(sql: Sql, block: BlockRow | undefined, rules: ChainRules, now: number): void {
  if (block === undefined || block.nudged_at === 0) return;
  const stage = STAGE_AFTER[block.state];
  if (stage === undefined || now - block.nudged_at < rules.stallAfterSeconds * 1_000) return;
  const stalls = readFact(sql, "stalls") ?? {};
  writeFact(sql, "stalls", { ...stalls, [stage]: (stalls[stage] ?? 0) + 1 });
}
