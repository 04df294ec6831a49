import { whyHalted } from "../decisions/halt.ts";
import { getValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

/** A published block as an entry of the log of blocks, and as the place of entries of the log of transactions. */
export interface LogBlock {
  readonly blockNumber: number;
  readonly hash: string;
  /** SHA-256 of the stored bytes. */
  readonly sha256: string;
  readonly transactionCount: number;
  /** Index of the block's first transaction among all transactions of the chain. */
  readonly firstEntry: number;
}

/** Published blocks in their order. */
export interface LogBlocks {
  /** The chain is halted: nothing may be signed. */
  readonly halted: boolean;
  /** Number of the blocks that `vdc:latest` shows. */
  readonly published: number;
  readonly blocks: readonly LogBlock[];
}

const MOST_BLOCKS = 256;

const COLUMNS = `number AS blockNumber, hash, sha256, transactions + system_transactions AS transactionCount,
  first_entry AS firstEntry`;

/** Lists published blocks, beginning with number `from`. */
export function logBlocks(sql: Sql, from: number, limit: number): LogBlocks {
  const published = publishedCount(sql);
  return {
    halted: whyHalted(sql) !== null,
    published,
    blocks: blocksBetween(sql, from, published, limit),
  };
}

function blocksBetween(sql: Sql, from: number, end: number, limit: number): readonly LogBlock[] {
  return sql
    .exec<LogBlockRow>(
      `SELECT ${COLUMNS} FROM block WHERE number >= ? AND number < ? ORDER BY number LIMIT ?`,
      from,
      end,
      Math.min(limit, MOST_BLOCKS),
    )
    .toArray();
}

/**
 * Lists the blocks that hold the transactions `first` to `end` − 1 of the chain, at most 256 blocks. They are in every tier, so the
 * answer stays while `vdc:latest` is written again.
 */
export function blocksOfEntries(sql: Sql, first: number, end: number): readonly LogBlock[] {
  if (end <= first) return [];
  const [holder] = sql
    .exec<{ number: number }>(
      "SELECT number FROM block WHERE first_entry IS NOT NULL AND first_entry <= ? ORDER BY first_entry DESC LIMIT 1",
      first,
    )
    .toArray();
  const stored = (getValue(sql, "latest") ?? -1) + 1;
  return blocksBetween(sql, holder?.number ?? 0, stored, MOST_BLOCKS).filter(
    ({ firstEntry, transactionCount }) => firstEntry < end && firstEntry + transactionCount > first,
  );
}

type LogBlockRow = {
  blockNumber: number;
  hash: string;
  sha256: string;
  transactionCount: number;
  firstEntry: number;
};

function publishedCount(sql: Sql): number {
  return (getValue(sql, "publishedLatest") ?? -1) + 1;
}
