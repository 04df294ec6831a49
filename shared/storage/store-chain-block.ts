import type { BlockCopy, Tier } from "./tier.ts";

/**
 * Stores a sealed block in every tier, in the given order (R2, IPFS, KV: the read path is last, so that no block is
 * readable before it is archived and pinned). Throws unless all tiers have it; called again, it stores what is missing.
 */
export async function storeChainBlock(tiers: readonly Tier[], copy: BlockCopy): Promise<void> {
  for (const tier of tiers) await tier.store(copy);
}
