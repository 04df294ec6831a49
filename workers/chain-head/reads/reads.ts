import { STAGE_AFTER, type BlockState, type TransactionState } from "../../../shared/chain/states.ts";
import type { PermanentReason } from "../../../shared/runtime/errors.ts";
import type { ChainRules } from "../../../shared/chain/rules.ts";
import {
  findBlock,
  movedIn,
  lastBlock,
  transactionIdsOf,
  unfinishedBlocks,
  type BlockRow,
} from "./blocks.ts";
import { getCount, getValue, type MinerKeys } from "../storage/key-values.ts";
import type { Halted } from "../../../shared/api/halted.ts";
import { whyHalted } from "../decisions/halt.ts";
import { ignoredCounts } from "../decisions/ignored.ts";
import { lifeOf } from "../decisions/life.ts";
import { intentCounts, releaseOwedSince, type IntentCounts } from "../decisions/intents.ts";
import { refusals } from "../decisions/refused.ts";
import { miningOwedSince, oldestWaiting } from "./waiting.ts";
import type { Sql } from "../storage/schema.ts";
import { signingKeys, type KnownKey } from "../decisions/signing-keys.ts";

/** A block as the chain head knows it. Times are milliseconds since the epoch; null: not yet. */
export interface BlockFacts {
  /** Life of the chain head that answers; a stage sends it back in its report. */
  readonly life: string;
  readonly blockNumber: number;
  readonly state: BlockState;
  readonly timestamp: number;
  readonly previousHash: string;
  readonly historyRoot: string;
  /** Number of all transactions in the block, the system's own included. */
  readonly transactionCount: number;
  /** The chain is halted: no stage may work on this block. */
  readonly halted: boolean;
  /** `vdc:latest` names this block or a later one. */
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
  /** The highest block that is in every tier together with all before it. */
  readonly latest: BlockFacts | null;
  readonly halted: Halted | null;
  /** A restore rebuilds the chain head from stored blocks; it may not have all of them. */
  readonly restoring: boolean;
  readonly signingKeys: readonly KnownKey[];
  readonly genesisHash: string | null;
}

export interface StatusFacts {
  readonly counts: {
    readonly pending: number;
    readonly waiting: number;
    readonly mined: number;
    readonly setAside: number;
    /** Number of submissions of users that were ever refused. */
    readonly refused: number;
    readonly blocks: number;
  } & IntentCounts;
  /** Number of Stripe events that were not for this deployment, by reason. */
  readonly ignored: Readonly<Record<string, number>>;
  readonly oldestWaitingAt: number | null;
  /** When the oldest waiting transaction should be, or should have been, in a block; null when none has to be. */
  readonly miningOwedSince: number | null;
  /** Since when the oldest paid submission should be admitted; null when there is none. */
  readonly releaseOwedSince: number | null;
  readonly unfinished: readonly (BlockFacts & { readonly stage: string | undefined })[];
  readonly halted: Halted | null;
  /** The keys that the miner reported, when it did, and whether its signing key is retired; null before its first report. */
  readonly minerKeys: (MinerKeys & { readonly isRetired: boolean }) | null;
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
  const latest = getValue(sql, "latest");
  return {
    chainId,
    latest: latest === undefined ? null : block(sql, latest),
    halted: whyHalted(sql),
    restoring: getValue(sql, "restoring") !== undefined,
    signingKeys: signingKeys(sql),
    genesisHash: findBlock(sql, 0)?.hash ?? null,
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

/** Summarises the pipeline at a cost that does not grow with the chain. */
export function status(sql: Sql, rules: ChainRules): StatusFacts {
  return {
    counts: {
      pending: getCount(sql, "pending"),
      waiting: getCount(sql, "waiting"),
      mined: getCount(sql, "mined"),
      setAside: getCount(sql, "setAside"),
      refused: Object.values(refusals(sql)).reduce((sum, n) => sum + n, 0),
      blocks: (lastBlock(sql)?.number ?? -1) + 1,
      ...intentCounts(sql),
    },
    ignored: ignoredCounts(sql),
    oldestWaitingAt: oldestWaiting(sql)?.admittedAt ?? null,
    miningOwedSince: miningOwedSince(sql, rules),
    releaseOwedSince: releaseOwedSince(sql),
    unfinished: unfinishedBlocks(sql).map((row) => ({
      ...blockFacts(sql, row),
      stage: STAGE_AFTER[row.state],
    })),
    halted: whyHalted(sql),
    minerKeys: minerKeys(sql),
  };
}

function minerKeys(sql: Sql): StatusFacts["minerKeys"] {
  const keys = getValue(sql, "minerKeys");
  if (keys === undefined) return null;
  const known = signingKeys(sql).find(({ keyId }) => keyId === keys.signingKeyId);
  return { ...keys, isRetired: known !== undefined && known.retiredIn !== null };
}

/**
 * Lists set-aside transactions, the latest first. A user's refused submission is left out: an operator does not have to act on
 * it.
 */
export function failures(sql: Sql, limit: number): readonly SetAsideFacts[] {
  return setAsides(sql, "AND forget_at IS NULL ORDER BY set_aside_at DESC, id DESC LIMIT ?", limit);
}

/**
 * Lists set-aside transactions that the dead-letter store has not got yet, the oldest first. Every decision runs this query, so
 * the limit is part of the text: SQLite plans a statement anew whenever it binds a LIMIT, at ten times the cost of running it.
 */
export function unparked(sql: Sql, limit: number): readonly SetAsideFacts[] {
  return setAsides(sql, `AND parked = 0 ORDER BY set_aside_at, id LIMIT ${Math.trunc(limit)}`);
}

type SetAsideRow = {
  id: string;
  set_aside_from: number;
  reason: PermanentReason;
  error: string;
  set_aside_at: number;
  parked: number;
};

function setAsides(sql: Sql, which: string, ...bindings: number[]): SetAsideFacts[] {
  return sql
    .exec<SetAsideRow>(
      `SELECT id, set_aside_from, reason, error, set_aside_at, parked FROM tx WHERE state = 'set_aside' ${which}`,
      ...bindings,
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
    life: lifeOf(sql),
    blockNumber: row.number,
    state: row.state,
    timestamp: row.timestamp,
    previousHash: row.previous_hash,
    historyRoot: row.history_root,
    transactionCount: row.transactions + row.system_transactions,
    halted: whyHalted(sql) !== null,
    published: row.number <= (getValue(sql, "publishedLatest") ?? -1),
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
