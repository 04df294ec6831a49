import type { BlockState } from "../../../shared/chain/states.ts";
import { whyHalted } from "../decisions/halt.ts";
import { lifeOf } from "../decisions/life.ts";
import { getValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";
import { findBlock, movedIn, transactionIdsOf, type BlockRow } from "./blocks.ts";

/** A block as the chain head knows it. Times are milliseconds since the epoch; null: not yet. */
export interface BlockFacts {
  /** Life of the chain head that answers; a stage sends it back in its report. */
  readonly life: string;
  readonly blockNumber: number;
  readonly state: BlockState;
  readonly timestamp: number;
  readonly previousHash: string;
  /** null for genesis. */
  readonly previousCid: string | null;
  readonly historyRoot: string;
  /** Number of all transactions in the block, the system's own included. */
  readonly transactionCount: number;
  /** The chain is halted: no stage may work on this block. */
  readonly halted: boolean;
  /** `vdc:latest` names this block or a later one. */
  readonly published: boolean;
  readonly hash: string | null;
  readonly sha256: string | null;
  /** CID of the sealed bytes. */
  readonly cid: string | null;
  /** `cid`, once every tier holds the block. */
  readonly ipfsHash: string | null;
  readonly times: {
    readonly reserved: number;
    readonly sealed: number | null;
    readonly persisted: number | null;
    readonly indexed: number | null;
    readonly complete: number | null;
  };
}

export function block(sql: Sql, blockNumber: number): BlockFacts | null {
  const row = findBlock(sql, blockNumber);
  return row === undefined ? null : blockFacts(sql, row);
}

/** Lists blocks that are in every tier together with all before them: newest first, numbers below `before`. */
export function publishedBlocks(sql: Sql, before: number, limit: number): readonly BlockFacts[] {
  return sql
    .exec<BlockRow>(
      "SELECT * FROM block WHERE number < ? ORDER BY number DESC LIMIT ?",
      Math.min(before, (getValue(sql, "latest") ?? -1) + 1),
      limit,
    )
    .toArray()
    .map((row) => blockFacts(sql, row));
}

/** A block and the ids of its transactions. */
export interface BlockWithTransactions extends BlockFacts {
  /** Ids of the transactions from `pending/`, in the block's order. */
  readonly transactions: readonly string[];
  /** Ids of the transactions among them whose envelope is in `set-aside/`. */
  readonly moved: readonly string[];
}

/**
 * Answers state and transactions in one call. If the storage were lost between two calls, the second would show no transactions.
 */
export function blockWithTransactions(sql: Sql, blockNumber: number): BlockWithTransactions | null {
  const facts = block(sql, blockNumber);
  if (facts === null) return null;
  return { ...facts, transactions: transactionIdsOf(sql, blockNumber), moved: movedIn(sql, blockNumber) };
}

export function blockFacts(sql: Sql, row: BlockRow): BlockFacts {
  return {
    life: lifeOf(sql),
    blockNumber: row.number,
    state: row.state,
    timestamp: row.timestamp,
    previousHash: row.previous_hash,
    previousCid: row.previous_cid,
    historyRoot: row.history_root,
    transactionCount: row.transactions + row.system_transactions,
    halted: whyHalted(sql) !== null,
    published: row.number <= (getValue(sql, "publishedLatest") ?? -1),
    hash: row.hash,
    sha256: row.sha256,
    cid: row.cid,
    ipfsHash: row.ipfs_hash,
    times: {
      reserved: row.reserved_at,
      sealed: row.sealed_at,
      persisted: row.persisted_at,
      indexed: row.indexed_at,
      complete: row.complete_at,
    },
  };
}
