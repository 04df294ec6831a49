import { InvalidBlock, readBlock, verifyBlock, type Block } from "../../shared/chain/block.ts";
import { keysOfGenesis, rotatedIn } from "../../shared/chain/signing-keys.ts";
import type { BlockFacts, HeadFacts } from "../chain-head/reads.ts";

type Place = Pick<BlockFacts, "blockNumber" | "previousHash" | "historyRoot"> & { readonly hash: string };
type Chain = Pick<HeadFacts, "chainId" | "signingKeys">;

/**
 * The last look before a block is public for ever: it is the one that the chain head sealed, in its place, signed by a key
 * that the chain announced before it, and announces what the chain head noted. Many a Worker can reach the chain head and R2;
 * only the miner holds a key, so what another has made goes no further than here.
 * @throws InvalidBlock
 */
export async function verifySealed(
  bytes: Uint8Array,
  { blockNumber, previousHash, historyRoot, hash }: Place,
  { chainId, signingKeys }: Chain,
): Promise<Block> {
  const own = blockNumber === 0 ? keysOfGenesis(readBlock(bytes)) : [];
  const known = [...own, ...signingKeys.filter(({ announcedIn }) => announcedIn < blockNumber)];
  const block = await verifyBlock(
    bytes,
    { chainId, blockNumber, previousHash, historyRoot, hash },
    (keyId) => known.find((key) => key.keyId === keyId)?.publicKey,
  );
  const announced = blockNumber === 0 ? own : rotatedIn(block);
  const noted = signingKeys.filter(({ announcedIn }) => announcedIn === blockNumber);
  if (namesOf(announced) !== namesOf(noted))
    throw new InvalidBlock("unknown_key", "the chain head noted other keys than this block announces");
  return block;
}

function namesOf(keys: readonly { readonly keyId: string; readonly publicKey: string }[]): string {
  return keys
    .map(({ keyId, publicKey }) => `${keyId} ${publicKey}`)
    .toSorted()
    .join();
}
