import type { BlockCopy, Tier } from "./tier.ts";

/**
 * Puts a sealed block into every tier, in the order given (R2, IPFS, KV: the read path last, so that nothing is
 * readable before it is archived and pinned). All or throw; asked again, it finishes what is missing.
 */
export async function storeChainBlock(tiers: readonly Tier[], copy: BlockCopy): Promise<void> {
  for (const tier of tiers) await tier.store(copy);
}
