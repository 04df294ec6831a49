import { assetsOf } from "../../shared/chain/assets.ts";
import type { Transaction } from "../../shared/chain/transaction.ts";
import { chainHead } from "../../shared/chain-head.ts";
import { kvKeys } from "../../shared/storage/layout.ts";
import { chunks, mapConnections } from "../../shared/storage/limits.ts";
import type { AssetFacts } from "../chain-head/assets.ts";
import type { Env } from "./env.ts";

/** What KV holds under `asset:{assetId}`, besides what others keep there. */
export interface AssetRecord {
  readonly assetId: string;
  /** The first transaction that created the asset. */
  readonly txId?: string;
  /** Highest block with a transaction about the asset. */
  readonly vdcBlockNumber: number;
  readonly [other: string]: unknown;
}

const KEYS_A_BULK_READ = 100; // counts as one operation

/**
 * Sets the asset's creation and block, as the chain head knows them, and leaves its other fields as they are. So blocks
 * may be indexed in any order and more than once.
 */
export async function indexAssets(transactions: readonly Transaction[], env: Env): Promise<void> {
  const ids = assetsOf(transactions).map(({ assetId }) => assetId);
  for (const chunk of chunks(ids, KEYS_A_BULK_READ)) {
    const [facts, records] = await Promise.all([
      chainHead(env).assets(chunk),
      env.KV.get<AssetRecord>(chunk.map(kvKeys.asset), "json"),
    ]);
    await mapConnections(facts, (asset) => {
      const key = kvKeys.asset(asset.assetId);
      return env.KV.put(key, JSON.stringify(updated(records.get(key) ?? null, asset)));
    });
  }
}

function updated(current: AssetRecord | null, { assetId, createdBy, lastBlock }: AssetFacts): AssetRecord {
  return { ...current, assetId, ...(createdBy !== null && { txId: createdBy }), vdcBlockNumber: lastBlock };
}
