import { reached, type BlockState } from "../../../shared/chain/states.ts";
import type { Sql } from "../storage/schema.ts";

export type BlockRow = {
  number: number;
  state: BlockState;
  revision: number;
  timestamp: number;
  previous_hash: string;
  /** null for genesis. */
  previous_cid: string | null;
  history_root: string;
  /** Transactions from `pending/`. The system's own are counted in `system_transactions`. */
  transactions: number;
  system_transactions: number;
  hash: string | null;
  sha256: string | null;
  /** CID of the sealed bytes. */
  cid: string | null;
  byte_length: number | null;
  key_id: string | null;
  /** `cid`, once every tier holds the block. */
  ipfs_hash: string | null;
  reserved_at: number;
  sealed_at: number | null;
  persisted_at: number | null;
  indexed_at: number | null;
  complete_at: number | null;
  /**
   * When the block last moved, or its stage last got another message. Milliseconds since the epoch; 0: its stage is due at once.
   */
  nudged_at: number;
  /** How many messages the block's stage got since the block last moved. */
  nudges: number;
};

export function findBlock(sql: Sql, number: number): BlockRow | undefined {
  return sql.exec<BlockRow>("SELECT * FROM block WHERE number = ?", number).toArray()[0];
}

export function lastBlock(sql: Sql): BlockRow | undefined {
  return sql
    .exec<BlockRow>("SELECT * FROM block WHERE number = (SELECT max(number) FROM block)")
    .toArray()[0];
}

/** Number of the last sealed block; -1 before genesis. */
export function lastSealedBlock(sql: Sql): number {
  const last = lastBlock(sql);
  if (last === undefined) return -1;
  return last.state === "reserved" ? last.number - 1 : last.number; // at most one block is reserved, and it is the last one
}

export function unfinishedBlocks(sql: Sql): BlockRow[] {
  return sql.exec<BlockRow>("SELECT * FROM block WHERE state <> 'complete' ORDER BY number").toArray();
}

/**
 * Number of the highest block that every tier has together with all blocks before it; -1 when there is none. The cost does not
 * grow with the chain.
 */
export function latestThatIsPersisted(sql: Sql): number {
  const next = unfinishedBlocks(sql).find(({ state }) => !reached(state, "persisted"));
  return (next?.number ?? (lastBlock(sql)?.number ?? -1) + 1) - 1;
}

type SealedRow = BlockRow & { readonly hash: string; readonly sha256: string };

/** Decides whether the block is sealed. The bytes of a sealed block never change. */
export function isSealed(block: BlockRow): block is SealedRow {
  return block.hash !== null && block.sha256 !== null;
}

/** Ids of the block's transactions whose envelope is in `set-aside/`, because they were set aside and replayed. */
export function movedIn(sql: Sql, number: number): string[] {
  return sql
    .exec<{ id: string }>("SELECT id FROM tx WHERE block = ? AND moved = 1", number)
    .toArray()
    .map(({ id }) => id);
}

/** Ids of the block's transactions: of a sealed block in the order of its bytes, else in the order of admission. */
export function transactionIdsOf(sql: Sql, number: number): string[] {
  return sql
    .exec<{ id: string }>("SELECT id FROM tx WHERE block = ? ORDER BY position, sequence", number)
    .toArray()
    .map(({ id }) => id);
}
