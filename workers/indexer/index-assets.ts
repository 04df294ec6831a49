import type { Transaction } from "../../shared/chain/transaction.ts";
import { kvKeys } from "../../shared/storage/layout.ts";
import { chunks, mapConnections } from "../../shared/storage/limits.ts";
import type { Env } from "./env.ts";

/** What KV holds under `asset:{assetId}`, besides what others keep there. */
export interface AssetRecord {
  readonly assetId: string;
  /** The transaction that created the asset. */
  readonly txId?: string;
  /** Highest block with a transaction about the asset. */
  readonly vdcBlockNumber: number;
  readonly [other: string]: unknown;
}

const KEYS_A_BULK_READ = 100; // counts as one operation

/** Sets the asset's block and leaves its other fields as they are. Repeats and late repeats never set it back. */
export async function indexAssets(
  blockNumber: number,
  transactions: readonly Transaction[],
  env: Env,
): Promise<void> {
  const created = new Map<string, string | undefined>();
  for (const transaction of transactions) {
    if (transaction.type === "asset_creation" && created.get(transaction.data.assetId) === undefined)
      created.set(transaction.data.assetId, transaction.id);
    if (transaction.type === "asset_transfer" && !created.has(transaction.data.assetId))
      created.set(transaction.data.assetId, undefined);
  }
  for (const entries of chunks([...created], KEYS_A_BULK_READ)) {
    const records = await env.KV.get<AssetRecord>(
      entries.map(([assetId]) => kvKeys.asset(assetId)),
      "json",
    );
    await mapConnections(entries, ([assetId, txId]) => {
      const key = kvKeys.asset(assetId);
      return env.KV.put(key, JSON.stringify(updated(records.get(key) ?? null, assetId, txId, blockNumber)));
    });
  }
}

function updated(
  current: AssetRecord | null,
  assetId: string,
  txId: string | undefined,
  blockNumber: number,
): AssetRecord {
  const first = current?.txId ?? txId;
  return {
    ...current,
    assetId,
    ...(first !== undefined && { txId: first }),
    vdcBlockNumber: Math.max(current?.vdcBlockNumber ?? 0, blockNumber),
  };
}
