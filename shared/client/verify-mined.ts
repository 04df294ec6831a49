import type { WellKnown } from "../api/well-known.ts";
import { blockBytes, InvalidBlock, verifyBlock, type Block, type BlockFault } from "../chain/block.ts";
import {
  keysAfter,
  keysOfGenesis,
  lookupIn,
  untrustedBlocks,
  untrustedFor,
  type ChainKey,
} from "../chain/signing-keys.ts";
import type { Transaction, TxId } from "../chain/transaction.ts";
import { blockOfRecord } from "../storage/kv-tier.ts";

export interface VerifiedTransaction {
  readonly transaction: Transaction;
  readonly block: Block;
}

/** The faults that a block alone does not have. */
const FAULTS = [
  "not_mined",
  "not_in_block",
  "revoked_key",
  "wrong_genesis",
  "wrong_document",
  "wrong_cid",
] as const;

/** The deployment's answer differs from what its bytes prove. */
export class Unverified extends Error {
  override readonly name = "Unverified";
  readonly fault: BlockFault | (typeof FAULTS)[number];

  constructor(fault: Unverified["fault"], detail: string) {
    super(detail);
    this.fault = fault;
  }
}

/** A chain as a deployment shows it. */
export interface ShownChain {
  readonly announced: WellKnown;
  /** Fetches the record of a block, unverified. */
  readonly record: (blockNumber: number) => Promise<unknown>;
  /** Hash of block 0, known from elsewhere. Without it the deployment is trusted to show the right chain. */
  readonly genesisHash: string | undefined;
}

/**
 * Verifies the block that is said to hold a transaction: its bytes and both signatures. Its key must be that of genesis,
 * or be announced in a block that such a key signed, and must be neither retired before the block nor revoked. Only a
 * reader of the whole chain (`ChainVerifier`) can see whether the deployment shows another block of this number to
 * others, or withholds a rotation or a revocation.
 * @throws Unverified
 */
export async function verifyMined(
  txId: TxId,
  { blockNumber, index }: { readonly blockNumber: number; readonly index: number },
  chain: ShownChain,
): Promise<VerifiedTransaction> {
  try {
    const keys = await keysOf(chain);
    const block = await verified(blockNumber, await shown(blockNumber, chain), keys, chain);
    const untrusted = untrustedFor(blockNumber, untrustedBlocks(keys));
    if (untrusted !== undefined)
      throw new Unverified(
        "revoked_key",
        `block ${blockNumber} is signed by key ${untrusted.keyId}, which block ${untrusted.revocation.blockNumber} revokes from block ${untrusted.revocation.fromBlock} on: ${untrusted.revocation.reason}`,
      );
    const transaction = block.transactions[index];
    if (transaction?.id !== txId)
      throw new Unverified("not_in_block", `${txId} is not transaction ${index} of block ${blockNumber}`);
    return { transaction, block };
  } catch (error) {
    throw error instanceof InvalidBlock ? new Unverified(error.fault, error.message) : error;
  }
}

/** Uses the announced keys only as a hint where to look: a key or a revocation counts when a verified block holds it. */
async function keysOf(chain: ShownChain): Promise<readonly ChainKey[]> {
  const { announced, genesisHash = announced.genesisHash } = chain;
  const genesis = await shown(0, chain);
  if (genesis.hash !== genesisHash)
    throw new Unverified(
      "wrong_genesis",
      `block 0 is ${genesis.hash}, and not ${genesisHash}: another chain`,
    );
  let keys = keysOfGenesis(genesis);
  await verified(0, genesis, keys, chain);
  const aboutKeys = announced.signingKeys.flatMap(({ announcedIn, revocation }) => [
    announcedIn,
    revocation?.blockNumber ?? 0,
  ]);
  for (const number of [...new Set(aboutKeys)].filter((n) => n > 0).toSorted((a, b) => a - b)) {
    const block = await verified(number, await shown(number, chain), keys, chain);
    keys = keysAfter(keys, block);
  }
  return keys;
}

function verified(
  blockNumber: number,
  block: Block,
  keys: readonly ChainKey[],
  { announced }: ShownChain,
): Promise<Block> {
  const { chainId } = announced;
  return verifyBlock(blockBytes(block), { chainId, blockNumber }, lookupIn(keys));
}

async function shown(blockNumber: number, { record }: ShownChain): Promise<Block> {
  const block = blockOfRecord(await record(blockNumber));
  if (block === undefined)
    throw new Unverified("not_a_block", `the record of block ${blockNumber} is not a block`);
  return block;
}
