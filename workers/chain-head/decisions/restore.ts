import { NO_PREVIOUS_HASH } from "../../../shared/chain/block.ts";
import { append, historyRoot } from "../../../shared/chain/history.ts";
import type { RestoredBlock } from "../../../shared/chain/reservation.ts";
import type { ChainRules } from "../../../shared/chain/rules.ts";
import type { ChainKey } from "../../../shared/chain/signing-keys.ts";
import { fromHex, hex } from "../../../shared/crypto/bytes.ts";
import { awaitEarlierAssetWrites } from "./asset-writes.ts";
import { lastBlock, latestThatIsPersisted } from "../reads/blocks.ts";
import { noteCountOfEarlierLife } from "../outbox/count-write.ts";
import {
  addToCount,
  deleteValue,
  nextCount,
  getValue,
  stopWaiting,
  setValue,
} from "../storage/key-values.ts";
import { endHaltUntilRestored } from "./halt.ts";
import { historyNodes } from "../storage/history-nodes.ts";
import { noteEarlierLife } from "../outbox/latest-write.ts";
import { noteChanges } from "./ledger.ts";
import { lifeOf } from "./life.ts";
import { noteAdmitted, notePayment } from "./intents.ts";
import type { Sql } from "../storage/schema.ts";
import { noteKeys, signingKeys } from "./signing-keys.ts";
import { withdraw } from "./withdraw.ts";

/** The state of a restore, to which the next block must fit. */
export interface RestorePoint {
  /** Life of the chain head that is being restored. */
  readonly life: string;
  /** How far the records of erasures are read. All are read before the first block. */
  readonly erasures: { readonly through: string | null; readonly all: boolean };
  readonly blockNumber: number;
  readonly previousHash: string;
  readonly previousCid: string | null;
  readonly historyRoot: string;
  readonly signingKeys: readonly ChainKey[];
}

/**
 * Begins or continues to rebuild a chain head that knows no block. Meanwhile no block is made.
 * @returns null when the chain head has a chain of its own
 */
export function beginRestore(sql: Sql, now: number): RestorePoint | null {
  if (!getValue(sql, "restoring") && lastBlock(sql) !== undefined) return null;
  if (!getValue(sql, "restoring")) setValue(sql, "restoring", now);
  return restorePoint(sql);
}

function restorePoint(sql: Sql): RestorePoint {
  const last = lastBlock(sql);
  const blockNumber = last === undefined ? 0 : last.number + 1;
  return {
    life: lifeOf(sql),
    erasures: getValue(sql, "erasuresRead") ?? { through: null, all: false },
    blockNumber,
    previousHash: last?.hash ?? NO_PREVIOUS_HASH,
    previousCid: last?.cid ?? null,
    historyRoot: hex(historyRoot(historyNodes(sql), blockNumber)),
    signingKeys: signingKeys(sql),
  };
}

/** A page of the records of erasures in R2, in the order of their keys. */
export interface ErasuresPage {
  readonly life: string;
  readonly txIds: readonly string[];
  readonly through: string | null;
  readonly all: boolean;
}

/**
 * Takes a page of erasures, so that a late repeat of an erased transaction is not admitted again.
 * @throws Error when the restore was of an earlier life
 */
export function restoreErasures(sql: Sql, page: ErasuresPage, now: number): RestorePoint {
  refuseEarlierLife(sql, page.life);
  withdraw(sql, page.txIds, now);
  setValue(sql, "erasuresRead", { through: page.through, all: page.all });
  return restorePoint(sql);
}

/**
 * Takes the next block of the sealed chain, after the caller verified its bytes. It must follow the last one by number, hash, CID,
 * history and time. A block that is already restored changes nothing.
 * @throws Error when the block does not follow, or was verified for an earlier life
 */
export function restoreBlock(sql: Sql, block: RestoredBlock, now: number): RestorePoint {
  refuseEarlierLife(sql, block.life);
  if (!getValue(sql, "restoring")) throw new Error("the chain head is not being restored");
  const point = restorePoint(sql);
  if (block.blockNumber < point.blockNumber) return point;
  const fits =
    block.blockNumber === point.blockNumber &&
    block.previousHash === point.previousHash &&
    block.previousCid === point.previousCid &&
    block.historyRoot === point.historyRoot &&
    block.timestamp >= (lastBlock(sql)?.timestamp ?? 0);
  if (!fits) throw new Error(`block ${block.blockNumber} does not follow block ${point.blockNumber - 1}`);
  sql.exec(
    `INSERT INTO block (number, state, revision, timestamp, previous_hash, previous_cid, history_root, transactions,
     system_transactions, hash, sha256, cid, byte_length, key_id, ipfs_hash, reserved_at, sealed_at, persisted_at, indexed_at, complete_at, nudged_at)
     VALUES (?, 'complete', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    block.blockNumber,
    nextCount(sql, "revision"),
    block.timestamp,
    block.previousHash,
    block.previousCid,
    block.historyRoot,
    block.transactions.length,
    block.systemTransactions,
    block.hash,
    block.sha256,
    block.cid,
    block.byteLength,
    block.keyId,
    block.cid,
    ...Array.from({ length: 5 }, () => block.timestamp),
    now,
  );
  for (const transaction of block.transactions) restoreTransaction(sql, block, transaction);
  for (const { txId, pays } of block.pays) notePayment(sql, txId, pays);
  addToCount(sql, "mined", block.transactions.length);
  append(historyNodes(sql), block.blockNumber, fromHex(block.hash));
  noteChanges(sql, block.blockNumber, block);
  noteKeys(sql, block.blockNumber, block);
  return restorePoint(sql);
}

/**
 * Stores a mined transaction. If it is pending here, it was delivered again before its block was restored; it is mined already.
 */
function restoreTransaction(
  sql: Sql,
  block: RestoredBlock,
  { txId, timestamp, size, position }: RestoredBlock["transactions"][number],
): void {
  const [known] = sql
    .exec<{ state: string; sequence: number }>("SELECT state, sequence FROM tx WHERE id = ?", txId)
    .toArray();
  if (known?.state === "mined" || known?.state === "reserved")
    throw new Error(`${txId} of block ${block.blockNumber} is ${known.state} in another block`);
  if (known?.state === "pending") {
    stopWaiting(sql, known.sequence);
    addToCount(sql, "pending", -1);
  }
  if (known?.state === "set_aside") addToCount(sql, "setAside", -1);
  sql.exec(
    `INSERT OR REPLACE INTO tx (id, sequence, timestamp, size, admitted_at, state, block, position, needs)
     VALUES (?, ?, ?, ?, ?, 'mined', ?, ?, NULL)`,
    txId,
    nextCount(sql, "sequence"),
    timestamp,
    size,
    block.timestamp,
    block.blockNumber,
    position,
  );
  noteAdmitted(sql, txId);
}

/** State of the storage when no block is left to restore. */
export interface RestoreEnding {
  readonly life: string;
  /** The first block number of which storage holds nothing: the chain ends before it. */
  readonly next: number;
  /** Number of the block that `vdc:latest` still names, or -1. */
  readonly publishedThrough: number;
  /** Numbers of blocks with staged bytes. */
  readonly staged: readonly number[];
}

/**
 * Ends the restore: the whole chain is there again, so blocks may be made. A block passes through its stages again in two cases:
 * its staged bytes are still there, which are deleted last of all; or it is so late that it may have been in flight, and
 * `vdc:latest` does not name it. `vdc:latest` must not go back, so it is not moved before the last of these blocks is in every
 * tier. Until every write that an earlier life may have begun has landed, nothing is published and no asset is indexed. A halt
 * that came during the restore stays.
 * @throws Error when the chain does not end here, or the restore was of an earlier life
 */
export function endRestore(sql: Sql, rules: ChainRules, ending: RestoreEnding, now: number): void {
  refuseEarlierLife(sql, ending.life);
  if (!getValue(sql, "restoring")) return;
  const last = lastBlock(sql)?.number ?? -1;
  if (ending.next !== last + 1)
    throw new Error(`the restored chain ends with block ${last}, not before block ${ending.next}`);
  sql.exec(
    `UPDATE block SET state = 'sealed', ipfs_hash = NULL, persisted_at = NULL, indexed_at = NULL, complete_at = NULL,
     nudged_at = 0 WHERE number > ? OR number IN (SELECT value FROM json_each(?))`,
    Math.max(ending.publishedThrough, last - rules.maxBlocksInFlight),
    JSON.stringify(ending.staged),
  );
  const [again] = sql
    .exec<{ n: number | null }>("SELECT sum(transactions) AS n FROM block WHERE state <> 'complete'")
    .toArray();
  addToCount(sql, "pending", again?.n ?? 0); // their pending objects must still be deleted
  setValue(sql, "latestHeldUntil", last);
  const latest = latestThatIsPersisted(sql);
  if (latest >= last && latest >= 0) setValue(sql, "latest", latest);
  noteEarlierLife(sql, now, rules.writeLandsWithinSeconds * 1_000);
  noteCountOfEarlierLife(sql, now, rules.writeLandsWithinSeconds * 1_000);
  awaitEarlierAssetWrites(sql, rules, now);
  setValue(sql, "founded", now);
  deleteValue(sql, "restoring");
  endHaltUntilRestored(sql);
  setValue(sql, "mineNudgeAt", now); // transactions approved during the restore wait
}

/**
 * Refuses a report of a Worker that restored an earlier life: it knows neither the state of this one nor where its chain ends.
 */
function refuseEarlierLife(sql: Sql, life: string): void {
  if (life !== lifeOf(sql))
    throw new Error("the chain head has lost its storage again: the restore begins again");
}
