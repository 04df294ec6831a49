import { InvalidBlock, readBlock, verifyBlock, type Block } from "../../shared/chain/block.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { announcedIn, keysOfGenesis, lookupIn, revokedIn } from "../../shared/chain/signing-keys.ts";
import type { BlockFacts } from "../chain-head/reads/block-facts.ts";
import type { HeadFacts } from "../chain-head/reads/head.ts";

type SealedPlace = Pick<BlockFacts, "blockNumber" | "previousHash" | "previousCid" | "historyRoot"> & {
  readonly hash: string;
  readonly cid: string;
};
type KnownKeys = Pick<HeadFacts, "chainId" | "signingKeys">;

/**
 * Checks a block for the last time before it is public for ever. It must be the block that the chain head sealed, in its place,
 * signed by the key that the chain announced last before it, and must announce and revoke the keys that the chain head noted. Its
 * CID must be the one that the chain head noted, because the next block names it.
 * Many Workers can reach the chain head and R2, but only the miner holds a key, so a block made by another one goes no further
 * than here.
 * @throws InvalidBlock
 */
export async function verifySealed(
  bytes: Uint8Array<ArrayBuffer>,
  { blockNumber, previousHash, previousCid, historyRoot, hash, cid: notedCid }: SealedPlace,
  { chainId, signingKeys }: KnownKeys,
): Promise<Block> {
  const keys = blockNumber === 0 ? keysOfGenesis(readBlock(bytes)) : signingKeys;
  const place = { chainId, blockNumber, previousHash, previousCid, historyRoot, hash };
  const block = await verifyBlock(bytes, place, lookupIn(keys));
  const noted = signingKeys.filter((key) => key.announcedIn === blockNumber);
  if (namesOf(announcedIn(block)) !== namesOf(noted))
    throw new InvalidBlock("unknown_key", "the chain head noted other keys than this block announces");
  if (!areRevocationsNoted(block, signingKeys))
    throw new InvalidBlock("broken_rule", "the chain head noted other revocations than this block states");
  const cid = await cidV0(bytes);
  if (cid !== notedCid)
    throw new InvalidBlock("wrong_place", `its CID is ${cid}, and the chain head noted ${notedCid}`);
  return block;
}

/**
 * Compares the block's revocations with the noted ones. If a later block revokes the same key from an earlier block on, the chain
 * head has noted only that revocation.
 */
function areRevocationsNoted(block: Block, noted: KnownKeys["signingKeys"]): boolean {
  const stated = revokedIn(block);
  return noted.every(({ keyId, revocation }) => {
    const here = stated.find((each) => each.keyId === keyId);
    if (here === undefined) return revocation?.blockNumber !== block.blockNumber;
    if (revocation === null) return false;
    const { fromBlock, reason, blockNumber } = revocation;
    return blockNumber === block.blockNumber
      ? fromBlock === here.fromBlock && reason === here.reason
      : fromBlock < here.fromBlock;
  });
}

function namesOf(keys: readonly { readonly keyId: string; readonly publicKey: string }[]): string {
  return keys
    .map(({ keyId, publicKey }) => `${keyId} ${publicKey}`)
    .toSorted()
    .join();
}
