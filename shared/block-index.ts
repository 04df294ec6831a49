import type { AssetFacts } from "../workers/chain-head/assets.ts";
import type { Block } from "./chain/block.ts";
import { ledgerKeysOf } from "./chain/ledger.ts";
import type { Transaction } from "./chain/transaction.ts";
import { chainHead, type ChainHeadEnv } from "./chain-head.ts";
import { RetryLater } from "./errors.ts";
import { kvKeys } from "./storage/layout.ts";
import { chunks, KV_KEYS_A_BULK_READ, mapConnections } from "./storage/limits.ts";

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
  /** Of an asset's record: only `writeAssetRecords` may write it. */
  readonly assetId?: string;
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

interface AssetEntry extends IndexEntry {
  readonly assetId: string;
  /** KV does not hold what the chain head knows. */
  readonly isGap: boolean;
}

/**
 * The records of assets as the chain head knows them: creation, owner and latest block are set, other fields stay as they
 * are. So blocks may be indexed in any order and more than once. KV is read first: the chain head then knows of every block
 * that a sound record names, so a record of a later block is left alone, unless it names one that was never sealed.
 */
async function assetEntries(assetIds: readonly string[], env: IndexEnv): Promise<readonly AssetEntry[]> {
  const entries: AssetEntry[] = [];
  for (const ids of chunks(assetIds, KV_KEYS_A_BULK_READ)) {
    const records = await env.KV.get<AssetRecord>(ids.map(kvKeys.asset), "json");
    const { asOf, assets } = await chainHead(env).assets(ids);
    for (const asset of assets) {
      const key = kvKeys.asset(asset.assetId);
      const current = records.get(key) ?? null;
      const written = current?.vdcBlockNumber ?? -1;
      if (written > asset.lastBlock && written <= asOf) continue;
      const known = knownOf(asset);
      const isGap = Object.entries(known).some(([name, value]) => current?.[name] !== value);
      entries.push({ assetId: asset.assetId, key, value: JSON.stringify({ ...current, ...known }), isGap });
    }
  }
  return entries;
}

/**
 * Writes the records of assets, whatever KV shows of them, so that nothing depends on how old KV's answer is. The chain
 * head lets one Worker at a time do so, and after a write that was not answered none, until that write has landed. It is
 * asked anew for each run of records, so that even a slow KV takes one run in time.
 * @throws RetryLater when another Worker's write may still land, or these took too long
 */
export async function writeAssetRecords(assetIds: readonly string[], env: IndexEnv): Promise<void> {
  for (const ids of chunks(assetIds, KV_KEYS_A_BULK_READ)) await writeRun(ids, env);
}

async function writeRun(assetIds: readonly string[], env: IndexEnv): Promise<void> {
  const writer = crypto.randomUUID();
  const began = Date.now();
  const answer = await chainHead(env).beginAssetWrites(writer);
  if ("waitSeconds" in answer)
    throw new RetryLater(answer.waitSeconds, "an earlier write of an asset's record may still land");
  await mapConnections(await assetEntries(assetIds, env), ({ key, value }) => {
    if (Date.now() - began >= answer.mayWriteFor)
      throw new RetryLater(answer.mayWriteFor / 1_000, "writing the assets' records took too long");
    return env.KV.put(key, value);
  });
  await chainHead(env).endAssetWrites(writer);
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
  const assets = await assetEntries(ledgerKeysOf(block.transactions).assetIds, env);
  return [...gaps, ...assets.filter(({ isGap }) => isGap)];
}
