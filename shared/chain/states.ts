/**
 * The life of a block. It moves one state on at a time, never back; `complete` is the end.
 * reserved: number, predecessor and transactions are fixed · sealed: the signed bytes are fixed ·
 * persisted: in R2, IPFS and KV · indexed: transactions and assets point to it · complete: its pending objects are cleared
 */
export const BLOCK_STATES = ["reserved", "sealed", "persisted", "indexed", "complete"] as const;
export type BlockState = (typeof BLOCK_STATES)[number];

/** The stage that moves a block out of a state; a stalled block is given to it again. */
export const STAGE_AFTER = {
  reserved: "miner",
  sealed: "tier-persister",
  persisted: "indexer",
  indexed: "pending-cleaner",
  complete: undefined,
} as const satisfies Record<BlockState, string | undefined>;

type Advance = "moved" | "already" | "too_early";

/** What a stage's report does to a block: moves it one state on, nothing (a repeat), or comes too early (a fault of the caller). */
export function advance(current: BlockState, to: BlockState): Advance {
  const step = BLOCK_STATES.indexOf(to) - BLOCK_STATES.indexOf(current);
  if (step <= 0) return "already";
  return step === 1 ? "moved" : "too_early";
}

export function reached(current: BlockState, state: BlockState): boolean {
  return BLOCK_STATES.indexOf(current) >= BLOCK_STATES.indexOf(state);
}

/** pending: waits · reserved: in a block that is being made · mined: in a sealed block · set_aside: can't be mined, has a reason */
export type TransactionState = "pending" | "reserved" | "mined" | "set_aside";
