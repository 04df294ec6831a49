import type { BlockState, TransactionState } from "../../../shared/chain/states.ts";
import { getValue } from "../storage/key-values.ts";
import { findBlock } from "./blocks.ts";
import type { Sql } from "../storage/schema.ts";

/** The states of transactions and blocks, in the order of the question; null: unknown here. */
export interface KnownStates {
  readonly transactions: readonly ({
    readonly state: TransactionState;
    readonly blockNumber: number | null;
    /** The transaction is a user's submission that was refused for good. */
    readonly refused: boolean;
  } | null)[];
  readonly blocks: readonly (BlockState | null)[];
  /** Number of blocks that the logs' published checkpoint covers. */
  readonly checkpointed: number;
}

/** Returns the ids of the transactions that are in a sealed block. */
export function minedAmong(sql: Sql, txIds: readonly string[]): string[] {
  return sql
    .exec<{ id: string }>(
      "SELECT id FROM tx WHERE id IN (SELECT value FROM json_each(?)) AND state = 'mined'",
      JSON.stringify(txIds),
    )
    .toArray()
    .map(({ id }) => id);
}

/** Answers the states of many transactions and blocks in one call. */
export function knownStates(
  sql: Sql,
  txIds: readonly string[],
  blockNumbers: readonly number[],
): KnownStates {
  return {
    transactions: txIds.map((txId) => {
      const [tx] = sql
        .exec<{ state: TransactionState; block: number | null; forget_at: number | null }>(
          "SELECT state, block, forget_at FROM tx WHERE id = ?",
          txId,
        )
        .toArray();
      return tx === undefined
        ? null
        : { state: tx.state, blockNumber: tx.block, refused: tx.forget_at !== null };
    }),
    blocks: blockNumbers.map((number) => findBlock(sql, number)?.state ?? null),
    checkpointed: getValue(sql, "checkpointed") ?? 0,
  };
}
