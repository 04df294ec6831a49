import type { BlockState, TransactionState } from "../../../shared/chain/states.ts";
import type { PermanentReason } from "../../../shared/runtime/errors.ts";
import type { Sql } from "../storage/schema.ts";

export interface TransactionFacts {
  readonly txId: string;
  readonly state: TransactionState;
  readonly timestamp: number;
  readonly admittedAt: number;
  readonly block: {
    readonly blockNumber: number;
    readonly index: number | null;
    readonly state: BlockState;
  } | null;
  readonly reason: PermanentReason | null;
}

export function transaction(sql: Sql, txId: string): TransactionFacts | null {
  const [row] = sql
    .exec<{
      state: TransactionState;
      timestamp: number;
      admitted_at: number;
      block: number | null;
      position: number | null;
      block_state: BlockState | null;
      reason: PermanentReason | null;
    }>(
      `SELECT tx.state, tx.timestamp, tx.admitted_at, tx.block, tx.position, tx.reason, block.state AS block_state
       FROM tx LEFT JOIN block ON block.number = tx.block WHERE tx.id = ?`,
      txId,
    )
    .toArray();
  if (row === undefined) return null;
  return {
    txId,
    state: row.state,
    timestamp: row.timestamp,
    admittedAt: row.admitted_at,
    block:
      row.block === null || row.block_state === null
        ? null
        : { blockNumber: row.block, index: row.position, state: row.block_state },
    reason: row.reason,
  };
}
