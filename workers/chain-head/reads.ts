import { STAGE_AFTER, type BlockState, type TransactionState } from "../../shared/chain/states.ts";
import type { PermanentReason } from "../../shared/errors.ts";
import { findBlock, transactionIdsOf, unfinishedBlocks, type BlockRow } from "./blocks.ts";
import { count, readFact } from "./facts.ts";
import { ignoredCounts } from "./ignored.ts";
import type { Sql } from "./schema.ts";

/** A block as the chain head knows it. Times in milliseconds since the epoch; null: not yet. */
export interface BlockFacts {
  readonly blockNumber: number;
  readonly state: BlockState;
  readonly timestamp: number;
  readonly previousHash: string;
  readonly historyRoot: string;
  /** All in the block, the system's own included. */
  readonly transactionCount: number;
  /** `vdc:latest` names this block, or one after it. */
  readonly published: boolean;
  readonly hash: string | null;
  readonly sha256: string | null;
  readonly ipfsHash: string | null;
  readonly times: {
    readonly reserved: number;
    readonly sealed: number | null;
    readonly persisted: number | null;
    readonly indexed: number | null;
    readonly complete: number | null;
  };
}

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

export interface HeadFacts {
  readonly chainId: string;
  /** The highest block that is, with all before it, in every tier. */
  readonly latest: BlockFacts | null;
  readonly halted: { readonly reason: string; readonly at: number } | null;
  readonly signingKeys: readonly {
    readonly keyId: string;
    readonly publicKey: string;
    readonly announcedIn: number;
    readonly firstBlock: number | null;
    readonly lastBlock: number | null;
  }[];
  readonly genesisHash: string | null;
}

export interface StatusFacts {
  readonly counts: {
    readonly pending: number;
    readonly waiting: number;
    readonly mined: number;
    readonly setAside: number;
    readonly blocks: number;
  };
  /** Events of Stripe that were not for us, by reason. */
  readonly ignored: Readonly<Record<string, number>>;
  readonly oldestWaitingAt: number | null;
  readonly unfinished: readonly (BlockFacts & { readonly stage: string | undefined })[];
  readonly halted: HeadFacts["halted"];
}

export interface SetAsideFacts {
  readonly txId: string;
  readonly blockNumber: number;
  readonly reason: PermanentReason;
  readonly error: string;
  readonly at: number;
  readonly parked: boolean;
}

export function head(sql: Sql, chainId: string): HeadFacts {
  const latest = readFact(sql, "latest");
  const keys = sql
    .exec<{
      key_id: string;
      public_key: string;
      announced_in: number;
      first_block: number | null;
      last_block: number | null;
    }>("SELECT * FROM signing_key ORDER BY announced_in, key_id")
    .toArray();
  return {
    chainId,
    latest: latest === undefined ? null : block(sql, latest),
    halted: readFact(sql, "halted") ?? null,
    signingKeys: keys.map((key) => ({
      keyId: key.key_id,
      publicKey: key.public_key,
      announcedIn: key.announced_in,
      firstBlock: key.first_block,
      lastBlock: key.last_block,
    })),
    genesisHash: findBlock(sql, 0)?.hash ?? null,
  };
}

export function block(sql: Sql, blockNumber: number): BlockFacts | null {
  const row = findBlock(sql, blockNumber);
  return row === undefined ? null : blockFacts(sql, row);
}

/** Blocks that are, with all before them, in every tier: newest first, numbers below `before`. */
export function publishedBlocks(sql: Sql, before: number, limit: number): readonly BlockFacts[] {
  return sql
    .exec<BlockRow>(
      "SELECT * FROM block WHERE number < ? AND number <= ? ORDER BY number DESC LIMIT ?",
      before,
      readFact(sql, "latest") ?? -1,
      limit,
    )
    .toArray()
    .map((row) => blockFacts(sql, row));
}

/** Ids of the pending objects that a block has used up, in the block's order. */
export function blockTransactions(sql: Sql, blockNumber: number): readonly string[] {
  return transactionIdsOf(sql, blockNumber);
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

export function status(sql: Sql): StatusFacts {
  const [waiting] = sql
    .exec<{ count: number; oldest: number | null }>(
      "SELECT count(*) AS count, min(admitted_at) AS oldest FROM tx WHERE state = 'pending'",
    )
    .toArray();
  const [blocks] = sql.exec<{ count: number }>("SELECT count(*) AS count FROM block").toArray();
  return {
    counts: {
      pending: count(sql, "pending"),
      waiting: waiting?.count ?? 0,
      mined: count(sql, "mined"),
      setAside: count(sql, "setAside"),
      blocks: blocks?.count ?? 0,
    },
    ignored: ignoredCounts(sql),
    oldestWaitingAt: waiting?.oldest ?? null,
    unfinished: unfinishedBlocks(sql).map((row) => ({
      ...blockFacts(sql, row),
      stage: STAGE_AFTER[row.state],
    })),
    halted: readFact(sql, "halted") ?? null,
  };
}

/** Transactions that wait for a block, in the order in which they will be mined. Pages by the last id of the page before. */
export function pendingPage(
  sql: Sql,
  after: { timestamp: number; txId: string } | null,
  limit: number,
): readonly { txId: string; timestamp: number; admittedAt: number }[] {
  return sql
    .exec<{ id: string; timestamp: number; admitted_at: number }>(
      `SELECT id, timestamp, admitted_at FROM tx WHERE state = 'pending' AND (timestamp, id) > (?, ?)
       ORDER BY timestamp, id LIMIT ?`,
      after?.timestamp ?? -1,
      after?.txId ?? "",
      limit,
    )
    .toArray()
    .map(({ id, timestamp, admitted_at }) => ({ txId: id, timestamp, admittedAt: admitted_at }));
}

/** Transactions that can't be mined, the latest first. */
export function failures(sql: Sql, limit: number): readonly SetAsideFacts[] {
  return sql
    .exec<{
      id: string;
      set_aside_from: number;
      reason: PermanentReason;
      error: string;
      set_aside_at: number;
      parked: number;
    }>(
      `SELECT id, set_aside_from, reason, error, set_aside_at, parked FROM tx WHERE state = 'set_aside'
       ORDER BY set_aside_at DESC, id LIMIT ?`,
      limit,
    )
    .toArray()
    .map((row) => ({
      txId: row.id,
      blockNumber: row.set_aside_from,
      reason: row.reason,
      error: row.error,
      at: row.set_aside_at,
      parked: row.parked === 1,
    }));
}

function blockFacts(sql: Sql, row: BlockRow): BlockFacts {
  return {
    blockNumber: row.number,
    state: row.state,
    timestamp: row.timestamp,
    previousHash: row.previous_hash,
    historyRoot: row.history_root,
    transactionCount: row.transactions + row.system_transactions,
    published: row.number <= (readFact(sql, "publishedLatest") ?? -1),
    hash: row.hash,
    sha256: row.sha256,
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
