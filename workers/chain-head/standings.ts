import type { BlockState, TransactionState } from "../../shared/chain/states.ts";
import { findBlock } from "./blocks.ts";
import type { Sql } from "./schema.ts";

/** Where many transactions and blocks are, in the order asked for; null: unknown here. */
export interface Standings {
  readonly transactions: readonly ({
    readonly state: TransactionState;
    readonly blockNumber: number | null;
    /** It was a user's, and was refused for good. */
    readonly refused: boolean;
  } | null)[];
  readonly blocks: readonly (BlockState | null)[];
}

/** Those that stand in a sealed block. */
export function minedAmong(sql: Sql, txIds: readonly string[]): string[] {
  return sql
    .exec<{ id: string }>(
      "SELECT id FROM tx WHERE id IN (SELECT value FROM json_each(?)) AND state = 'mined'",
      JSON.stringify(txIds),
    )
    .toArray()
    .map(({ id }) => id);
}

/** For whoever has many to ask about: one call instead of one for each. */
export function standings(sql: Sql, txIds: readonly string[], blockNumbers: readonly number[]): Standings {
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
  };
}
