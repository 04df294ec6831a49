/**
 * The life of a block. It moves forward one state at a time, and never back; `complete` is the end. As the only
 * exception, the end of a restore sends the last blocks through their stages again.
 * reserved: number, predecessor and transactions are fixed · sealed: the signed bytes are fixed ·
 * persisted: in R2, IPFS and KV · indexed: transactions and assets point to it · complete: its pending objects are
 * cleared
 */
export const BLOCK_STATES = ["reserved", "sealed", "persisted", "indexed", "complete"] as const;
export type BlockState = (typeof BLOCK_STATES)[number];

/** The stage that moves a block out of a state. A stalled block is given to it again. */
export const STAGE_AFTER = {
  reserved: "miner",
  sealed: "tier-persister",
  persisted: "indexer",
  indexed: "pending-cleaner",
  complete: undefined,
} as const satisfies Record<BlockState, string | undefined>;

type Advance = "moved" | "already" | "too_early";

/**
 * The effect of a stage's report on a block: it moves one state on, stays (a repeat), or the report is too early (a fault
 * of the caller).
 */
export function advance(current: BlockState, to: BlockState): Advance {
  const step = BLOCK_STATES.indexOf(to) - BLOCK_STATES.indexOf(current);
  if (step <= 0) return "already";
  return step === 1 ? "moved" : "too_early";
}

export function reached(current: BlockState, state: BlockState): boolean {
  return BLOCK_STATES.indexOf(current) >= BLOCK_STATES.indexOf(state);
}

/**
 * pending: waits for a block · reserved: in a block that is being made · mined: in a sealed block ·
 * set_aside: no block can take it, for a stated reason
 */
export type TransactionState = "pending" | "reserved" | "mined" | "set_aside";

/**
 * A move from one state to another. `from` null: the chain head did not know it. `to` null: the chain head forgets it.
 * `by`: the function in `workers/chain-head` that decides the move.
 */
export interface Move<State extends string> {
  readonly from: State | null;
  readonly to: State | null;
  readonly by: string;
}

/** Every move of a block. A reservation without transactions is dissolved, and the next reservation takes its number. */
export const BLOCK_MOVES = [
  { from: null, to: "reserved", by: "reserve" },
  { from: "reserved", to: "sealed", by: "seal" },
  { from: "sealed", to: "persisted", by: "persisted" },
  { from: "persisted", to: "indexed", by: "indexed" },
  { from: "indexed", to: "complete", by: "cleaned" },
  { from: "reserved", to: null, by: "setAside" },
  { from: "reserved", to: null, by: "withdraw" },
  { from: null, to: "complete", by: "restoreBlock" },
  { from: "complete", to: "sealed", by: "endRestore" },
] as const satisfies readonly Move<BlockState>[];

/** Every move of a transaction. Only a refused submission is forgotten. */
export const TRANSACTION_MOVES = [
  { from: null, to: "pending", by: "admit" },
  { from: "pending", to: "reserved", by: "reserve" },
  { from: "reserved", to: "mined", by: "seal" },
  { from: "reserved", to: "set_aside", by: "setAside" },
  { from: "set_aside", to: "pending", by: "readmit" },
  { from: "set_aside", to: null, by: "forgetRefused" },
  { from: null, to: "set_aside", by: "erase" },
  { from: null, to: "set_aside", by: "withdraw" },
  { from: "pending", to: "set_aside", by: "withdraw" },
  { from: "reserved", to: "set_aside", by: "withdraw" },
  { from: null, to: "mined", by: "restoreBlock" },
  { from: "pending", to: "mined", by: "restoreBlock" },
  { from: "set_aside", to: "mined", by: "restoreBlock" },
] as const satisfies readonly Move<TransactionState>[];
