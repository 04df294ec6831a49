import type { AssetMention } from "./reservation.ts";
import type { Transaction } from "./transaction.ts";

/** The assets that these transactions are about, each once, with its first creation among them. */
export function assetsOf(transactions: readonly Transaction[]): AssetMention[] {
  const mentions = new Map<string, string | null>();
  for (const { id, type, data } of transactions) {
    if (type !== "asset_creation" && type !== "asset_transfer") continue;
    const created = type === "asset_creation" ? id : null;
    mentions.set(data.assetId, mentions.get(data.assetId) ?? created);
  }
  return Array.from(mentions, ([assetId, createdBy]) => ({ assetId, createdBy }));
}
