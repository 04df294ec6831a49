import type { AssetFacts } from "../../workers/chain-head/reads/assets.ts";
import type { Block } from "../chain/block.ts";
import { ledgerKeysOf } from "../chain/ledger.ts";
import type { Transaction } from "../chain/transaction.ts";
import { chainHead, type ChainHeadEnv } from "../objects/chain-head.ts";
import { RetryLater } from "../runtime/errors.ts";
import type { DocumentEntry } from "../storage/document-entry.ts";
import { kvKeys } from "../storage/layout.ts";
import { chunks, KV_KEYS_A_BULK_READ, mapConnections } from "../storage/limits.ts";

/** The value of `vdc:tx:{txId}` in KV. The same block gives the same value, so writing it again is harmless. */
export interface TransactionRecord {
  readonly blockNumber: number;
  readonly index: number;
  readonly blockHash: string;
  readonly type: Transaction["type"];
  readonly timestamp: number;
}

/** VDC's fields in the value of `asset:{assetId}` in KV. The object may hold other applications' fields too. */
export interface AssetRecord {
  readonly assetId: string;
  /** The transaction that created the asset. */
  readonly txId?: string;
  /** Key id of the signing key that may transfer the asset; absent when it cannot be transferred. */
  readonly owner?: string;
  /** Highest block with a transaction about the asset. */
  readonly vdcBlockNumber: number;
  readonly [other: string]: unknown;
}

/** A key of the index and the JSON that belongs there. */
export interface IndexEntry {
  readonly key: string;
  readonly value: string;
  /** The key's metadata, for a document entry. */
  readonly metadata?: DocumentEntry;
  /** Set for an asset's record, which only `writeAssetRecords` may write. */
  readonly assetId?: string;
}

interface IndexEnv extends ChainHeadEnv {
  readonly KV: KVNamespace;
}

/** The index entries of the block's transactions from index `from` up to, but not including, `end`. */
export function transactionEntries(block: Block, from: number, end: number): IndexEntry[] {
  const { blockNumber, hash: blockHash } = block;
  return block.transactions.slice(from, end).flatMap((transaction, offset) => {
    const { id, type, timestamp } = transaction;
    const index = from + offset;
    const record: TransactionRecord = { blockNumber, index, blockHash, type, timestamp };
    const entry: IndexEntry = { key: kvKeys.transaction(id), value: JSON.stringify(record) };
    const sha256 = transaction.type === "asset_creation" ? transaction.data.documentHash : undefined;
    if (transaction.type !== "asset_creation" || sha256 === undefined) return [entry];
    const metadata: DocumentEntry = { txId: id, blockHash, assetId: transaction.data.assetId, timestamp };
    return [entry, { key: kvKeys.documentEntry(sha256, blockNumber, index), value: id, metadata }];
  });
}

/** Writes an entry that follows from a block alone. Writing it again is harmless. */
export async function putEntry(kv: KVNamespace, { key, value, metadata }: IndexEntry): Promise<void> {
  await kv.put(key, value, metadata && { metadata });
}

interface AssetEntry extends IndexEntry {
  readonly assetId: string;
  /** KV does not hold the values that the chain head knows. */
  readonly isGap: boolean;
}

/**
 * Builds the records of assets as the chain head knows them. Creation, owner and latest block are set; other fields stay.
 * Blocks may therefore be indexed in any order and more than once. KV is read first, so the chain head already knows
 * every block that a valid record names. A record of a later block is therefore left alone, unless it names a block that
 * was never sealed.
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
 * Writes the records of assets, whatever KV shows, because KV's answer may be old. The chain head lets one Worker write
 * at a time. After a write without an answer it lets no Worker write until that write has landed. The permission is
 * requested again for each run of records, so that even a slow KV can write one run in time.
 * @throws RetryLater when another Worker's write may still land, or when these writes took too long
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

/** Leaves unknown values out: a value of `undefined` removes the field from an existing record. */
function knownOf({ assetId, createdBy, owner, lastBlock }: AssetFacts) {
  return {
    assetId,
    ...(createdBy !== null && { txId: createdBy }),
    owner: owner ?? undefined,
    vdcBlockNumber: lastBlock,
  };
}

/** The index entries of the block that KV lacks or holds with a wrong value. */
export async function indexGaps(block: Block, env: IndexEnv): Promise<readonly IndexEntry[]> {
  const gaps: IndexEntry[] = [];
  for (const entries of chunks(
    transactionEntries(block, 0, block.transactions.length),
    KV_KEYS_A_BULK_READ,
  )) {
    const held = await env.KV.getWithMetadata(entries.map(({ key }) => key));
    gaps.push(...entries.filter((entry) => !isHeld(entry, held.get(entry.key))));
  }
  const assets = await assetEntries(ledgerKeysOf(block.transactions).assetIds, env);
  return [...gaps, ...assets.filter(({ isGap }) => isGap)];
}

function isHeld(
  { value, metadata }: IndexEntry,
  held: { readonly value: string | null; readonly metadata: unknown } | undefined,
): boolean {
  return held?.value === value && JSON.stringify(held.metadata ?? null) === JSON.stringify(metadata ?? null);
}
