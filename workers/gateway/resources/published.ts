import type { BlockFacts } from "../../chain-head/reads/block-facts.ts";

/** Asserts that the block has its hash and CID: a published block was sealed and pinned. */
export function published(
  facts: BlockFacts,
): BlockFacts & { readonly hash: string; readonly ipfsHash: string } {
  const { blockNumber, state, hash, ipfsHash } = facts;
  if (hash === null || ipfsHash === null)
    throw new Error(`block ${blockNumber} is ${state} and lacks its hash or its CID`);
  return { ...facts, hash, ipfsHash };
}
