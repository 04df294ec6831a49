import type { ChainRules } from "../../../shared/chain/rules.ts";
import { STAGE_AFTER } from "../../../shared/chain/states.ts";
import type { BlockRow } from "../reads/blocks.ts";
import { getValue, setValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

export type StalledStage = NonNullable<(typeof STAGE_AFTER)[keyof typeof STAGE_AFTER]>;

/**
 * Counts a stall when a block's stage was enqueued again. A block has not stalled if it was made due on purpose (after a restart
 * or a halt), or if the miner got a message for other work just after it began with this block.
 */
export function countStall(sql: Sql, block: BlockRow | undefined, rules: ChainRules, now: number): void {
  if (block === undefined || block.nudged_at === 0) return;
  const stage = STAGE_AFTER[block.state];
  if (stage === undefined || now - block.nudged_at < rules.stallAfterSeconds * 1_000) return;
  const stalls = getValue(sql, "stalls") ?? {};
  setValue(sql, "stalls", { ...stalls, [stage]: (stalls[stage] ?? 0) + 1 });
}
