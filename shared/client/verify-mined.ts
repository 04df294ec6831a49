import type { WellKnown } from "../../workers/gateway/well-known.ts";
import { blockBytes, InvalidBlock, verifyBlock, type Block, type BlockFault } from "../chain/block.ts";
import { keysOfGenesis, rotatedIn } from "../chain/signing-keys.ts";
import type { SigningKey, Transaction, TxId } from "../chain/transaction.ts";
import { blockOfRecord } from "../storage/kv-tier.ts";

export interface VerifiedTransaction {
  readonly transaction: Transaction;
  readonly block: Block;
}

/** Besides those of a block. */
const FAULTS = ["not_mined", "not_in_block", "wrong_genesis", "wrong_document", "wrong_cid"] as const;

/** What the deployment says is not what its bytes prove. */
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
  /** The record of a block, as it was answered. */
  readonly record: (blockNumber: number) => Promise<unknown>;
  /** Hash of block 0, known from elsewhere; without it the deployment is believed which chain it is. */
  readonly genesisHash: string | undefined;
}

/**
 * Verifies the block that is said to hold a transaction: its bytes, both signatures, and that its key is one of genesis,
 * or was announced in a block that such a key signed. Whether others were shown another block for that number, only
 * who reads the whole chain can tell: `ChainVerifier`.
 * @throws Unverified
 */
export async function verifyMined(
  txId: TxId,
  { blockNumber, index }: { readonly blockNumber: number; readonly index: number },
  chain: ShownChain,
): Promise<VerifiedTransaction> {
  try {
    const keys = await keysBefore(blockNumber, chain);
    const block = await verified(blockNumber, await shown(blockNumber, chain), keys, chain);
    const transaction = block.transactions[index];
    if (transaction?.id !== txId)
      throw new Unverified("not_in_block", `${txId} is not transaction ${index} of block ${blockNumber}`);
    return { transaction, block };
  } catch (error) {
    throw error instanceof InvalidBlock ? new Unverified(error.fault, error.message) : error;
  }
}

type Keys = ReadonlyMap<string, string>;

/** What is announced says only where to look: a key counts when a verified block holds it. */
async function keysBefore(blockNumber: number, chain: ShownChain): Promise<Keys> {
  const { announced, genesisHash = announced.genesisHash } = chain;
  const genesis = await shown(0, chain);
  if (genesis.hash !== genesisHash)
    throw new Unverified(
      "wrong_genesis",
      `block 0 is ${genesis.hash}, and not ${genesisHash}: another chain`,
    );
  let keys = keyMap(keysOfGenesis(genesis));
  await verified(0, genesis, keys, chain);
  const announcements = new Set(announced.signingKeys.map(({ announcedIn }) => announcedIn));
  const between = [...announcements].filter((number) => number > 0 && number < blockNumber);
  for (const number of between.toSorted((a, b) => a - b)) {
    const block = await verified(number, await shown(number, chain), keys, chain);
    keys = new Map([...keys, ...keyMap(rotatedIn(block))]);
  }
  return keys;
}

function verified(blockNumber: number, block: Block, keys: Keys, { announced }: ShownChain): Promise<Block> {
  const { chainId } = announced;
  return verifyBlock(blockBytes(block), { chainId, blockNumber }, (keyId) => keys.get(keyId));
}

async function shown(blockNumber: number, { record }: ShownChain): Promise<Block> {
  const block = blockOfRecord(await record(blockNumber));
  if (block === undefined)
    throw new Unverified("not_a_block", `what is shown as block ${blockNumber} is none`);
  return block;
}

function keyMap(keys: readonly SigningKey[]): Keys {
  return new Map(keys.map(({ keyId, publicKey }) => [keyId, publicKey]));
}
