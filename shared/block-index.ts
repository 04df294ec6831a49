import type { AssetFacts } from "../workers/chain-head/assets.ts";
import type { Block } from "./chain/block.ts";
import { ledgerKeysOf } from "./chain/ledger.ts";
import type { Transaction } from "./chain/transaction.ts";
import { chainHead, type ChainHeadEnv } from "./chain-head.ts";
import { kvKeys } from "./storage/layout.ts";
import { chunks, KV_KEYS_A_BULK_READ } from "./storage/limits.ts";

/** What KV holds under `vdc:tx:{txId}`. The same block gives the same value, so writing it again is harmless. */
export interface TransactionRecord {
  readonly blockNumber: number;
  readonly index: number;
  readonly blockHash: string;
  readonly type: Transaction["type"];
  readonly timestamp: number;
}

/** What KV holds under `asset:{assetId}`, besides what others keep there. */
export interface AssetRecord {
  readonly assetId: string;
  /** The transaction that created the asset. */
  readonly txId?: string;
  /** Key id of the signing key that may transfer it; absent when nobody may. */
  readonly owner?: string;
  /** Highest block with a transaction about the asset. */
  readonly vdcBlockNumber: number;
  readonly [other: string]: unknown;
}

/** A key of the index and the JSON that belongs there. */
export interface IndexEntry {
  readonly key: string;
  readonly value: string;
}

interface IndexEnv extends ChainHeadEnv {
  readonly KV: KVNamespace;
}

/** Where the block's transactions from index `from` up to, not including, `end` are to be found. */
export function transactionEntries(block: Block, from: number, end: number): IndexEntry[] {
  return block.transactions.slice(from, end).map(({ id, type, timestamp }, offset) => {
    const record: TransactionRecord = {
      blockNumber: block.blockNumber,
      index: from + offset,
      blockHash: block.hash,
      type,
      timestamp,
    };
    return { key: kvKeys.transaction(id), value: JSON.stringify(record) };
  });
}

/**
 * The records of assets that KV does not have as the chain head knows them: creation, owner and latest block are set,
 * other fields stay as they are. So blocks may be indexed in any order and more than once.
 */
export async function assetGaps(
  transactions: readonly Transaction[],
  env: IndexEnv,
): Promise<readonly IndexEntry[]> {
  const gaps: IndexEntry[] = [];
  for (const ids of chunks(ledgerKeysOf(transactions).assetIds, KV_KEYS_A_BULK_READ)) {
    const [facts, records] = await Promise.all([
      chainHead(env).assets(ids),
      env.KV.get<AssetRecord>(ids.map(kvKeys.asset), "json"),
    ]);
    for (const asset of facts) {
      const key = kvKeys.asset(asset.assetId);
      const current = records.get(key) ?? null;
      const known = knownOf(asset);
      if (Object.entries(known).some(([name, value]) => current?.[name] !== value))
        gaps.push({ key, value: JSON.stringify({ ...current, ...known }) });
    }
  }
  return gaps;
}

/** What is not known is not written: `undefined` takes a field out of the record that has it. */
function knownOf({ assetId, createdBy, owner, lastBlock }: AssetFacts) {
  return {
    assetId,
    ...(createdBy !== null && { txId: createdBy }),
    owner: owner ?? undefined,
    vdcBlockNumber: lastBlock,
  };
}

/** What of the block's index is not in KV as it should be. */
export async function indexGaps(block: Block, env: IndexEnv): Promise<readonly IndexEntry[]> {
  const gaps: IndexEntry[] = [];
  for (const entries of chunks(
    transactionEntries(block, 0, block.transactions.length),
    KV_KEYS_A_BULK_READ,
  )) {
    const held = await env.KV.get(entries.map(({ key }) => key));
    gaps.push(...entries.filter(({ key, value }) => held.get(key) !== value));
  }
  return [...gaps, ...(await assetGaps(block.transactions, env))];
}
