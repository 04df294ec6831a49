import { miningIsDue, type ChainRules } from "../../../shared/chain/rules.ts";
import type { BlockState } from "../../../shared/chain/states.ts";
import type { Halted } from "../../../shared/api/halted.ts";
import { unapproved } from "../reads/waiting.ts";
import { lastBlock, unfinishedBlocks } from "../reads/blocks.ts";
import { getCount, setValue } from "../storage/key-values.ts";
import { whyHalted } from "./halt.ts";
import { approvedThatFit } from "./reserve.ts";
import type { Sql } from "../storage/schema.ts";
import { nextRevocation } from "./signing-keys.ts";

export type MiningAnswer =
  | {
      readonly mining: true;
      readonly blockNumber: number;
      readonly transactions: number;
      readonly state: BlockState | "requested";
    }
  | { readonly mining: false; readonly reason: "nothing_pending"; readonly detail: string }
  | { readonly mining: false; readonly reason: "halted"; readonly halted: Halted };

/**
 * Approves every transaction that waits now, in as many blocks as the limits require; the outbox enqueues the miner. A transaction
 * admitted later waits for the next request. Answers the first block concerned; two requests at one moment get the same answer.
 */
export function requestMining(sql: Sql, rules: ChainRules, now: number): MiningAnswer {
  const halted = whyHalted(sql);
  if (halted !== null) return { mining: false, reason: "halted", halted };

  setValue(sql, "approvedThrough", getCount(sql, "sequence"));
  setValue(sql, "unapproved", 0);
  const unfinished = unfinishedBlocks(sql).filter((block) => block.number > 0);
  const open = unfinished.find(({ state }) => state === "reserved") ?? unfinished.at(-1);
  const next = approvedThatFit(sql, rules).length;
  if (next === 0 && open === undefined && nextRevocation(sql) === null)
    return { mining: false, reason: "nothing_pending", detail: "no transaction waits to be mined" };
  setValue(sql, "mineNudgeAt", now);
  setValue(sql, "approvedAt", now);
  if (open !== undefined && (open.state === "reserved" || next === 0))
    return { mining: true, blockNumber: open.number, transactions: open.transactions, state: open.state };
  return {
    mining: true,
    blockNumber: Math.max(1, (lastBlock(sql)?.number ?? 0) + 1),
    transactions: next,
    state: "requested",
  };
}

/**
 * Requests mining without an operator when enough transactions wait, or one has waited long enough. Answers null otherwise, and
 * always in the mode `approval`.
 */
export function mineIfDue(sql: Sql, rules: ChainRules, now: number): MiningAnswer | null {
  return miningIsDue(unapproved(sql), rules, now) ? requestMining(sql, rules, now) : null;
}
