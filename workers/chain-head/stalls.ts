import type { ChainRules } from "../../shared/chain/rules.ts";
import { STAGE_AFTER } from "../../shared/chain/states.ts";
import { findBlock, type BlockRow } from "./blocks.ts";
import { readFact, writeFact } from "./facts.ts";
import type { Sql } from "./schema.ts";

export type StalledStage = NonNullable<(typeof STAGE_AFTER)[keyof typeof STAGE_AFTER]>;

const MOST_DOUBLINGS = 5;

/**
 * When the watchdog tells a block's stage again, milliseconds since the epoch. Less and less often: in a long outage
 * the first message is being retried all the time, and each nudge adds another.
 */
export function stallsAt(block: BlockRow, rules: ChainRules): number {
  return block.nudged_at + rules.stallAfterSeconds * 1_000 * 2 ** Math.min(block.nudges, MOST_DOUBLINGS);
}

/** To be called before the nudge is noted. A block that was made due on purpose (a restart, a resume) has not stalled. */
export function countStall(sql: Sql, blockNumber: number, rules: ChainRules, now: number): void {
  const block = findBlock(sql, blockNumber);
  if (block === undefined || block.nudged_at === 0 || stallsAt(block, rules) > now) return;
  const stage = STAGE_AFTER[block.state];
  if (stage === undefined) return;
  const stalls = readFact(sql, "stalls") ?? {};
  writeFact(sql, "stalls", { ...stalls, [stage]: (stalls[stage] ?? 0) + 1 });
}
