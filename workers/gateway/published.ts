import type { BlockFacts } from "../chain-head/reads.ts";

/** A block that was published has been sealed and pinned: its hash and its CID are there. */
export function published(
  facts: BlockFacts,
): BlockFacts & { readonly hash: string; readonly ipfsHash: string } {
  const { blockNumber, state, hash, ipfsHash } = facts;
  if (hash === null || ipfsHash === null)
    throw new Error(`block ${blockNumber} is ${state} and lacks its hash or its CID`);
  return { ...facts, hash, ipfsHash };
}
