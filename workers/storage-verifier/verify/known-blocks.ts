import { lookupIn, untrustedBlocks } from "../../../shared/chain/signing-keys.ts";
import { reached } from "../../../shared/chain/states.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import type { BlockFacts } from "../../chain-head/reads/block-facts.ts";
import type { Env } from "../env.ts";
import type { ChainKeys, KnownBlock } from "./inspect.ts";

/** Reads from the chain head which keys sign for the chain, and where the chain ends. */
export async function readChain(env: Env): Promise<ChainKeys & { readonly totalBlocks: number }> {
  const { chainId, latest, signingKeys } = await chainHead(env).head();
  return {
    chainId,
    signingKey: lookupIn(signingKeys),
    untrusted: untrustedBlocks(signingKeys),
    totalBlocks: latest === null ? 0 : latest.blockNumber + 1,
  };
}

/** Returns the published blocks from `from` up to, but not including, `end`, in order. */
export async function knownBlocks(env: Env, from: number, end: number): Promise<readonly KnownBlock[]> {
  const facts = await chainHead(env).publishedBlocks(end, Math.max(0, end - from));
  return facts
    .filter(({ blockNumber }) => blockNumber >= from)
    .toReversed()
    .map(knownBlock);
}

export function knownBlock(facts: BlockFacts): KnownBlock {
  const { blockNumber, hash, sha256, ipfsHash, previousHash, previousCid, historyRoot, transactionCount } =
    facts;
  if (hash === null || sha256 === null || ipfsHash === null)
    throw new Error(`block ${blockNumber} is ${facts.state}, and not all is known of it`);
  return {
    blockNumber,
    hash,
    sha256,
    cid: ipfsHash,
    previousHash,
    previousCid,
    historyRoot,
    transactionCount,
    indexed: reached(facts.state, "indexed"),
    complete: facts.state === "complete",
  };
}
