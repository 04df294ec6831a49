import { checkContents, InvalidBlock, readBlock, type Block } from "../../shared/chain/block.ts";
import { ChainVerifier, type ChainMemory } from "../../shared/chain/verify-chain.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";

/** A block from a source, unverified. */
export interface SourceBlock {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The CID under which the block is said to be on IPFS. */
  readonly cid?: string;
}

/** A chain from a source, unverified. */
export interface ChainSource {
  /** Number of blocks. */
  readonly count: number;
  blocks(from: number): AsyncIterable<SourceBlock>;
}

export interface VerifiedBlock {
  readonly block: Block;
  /** Canonical bytes of the block. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** CID computed from the bytes. */
  readonly cid: string;
}

/**
 * Why a chain is not what it claims to be: `fault` is one of `BLOCK_FAULTS`, `wrong_cid`, `wrong_genesis` or
 * `not_continued`.
 */
export class UnverifiedChain extends CommandFailure {
  readonly blockNumber: number;
  readonly fault: string;

  constructor(blockNumber: number, fault: string, detail: string) {
    super(`block ${blockNumber} does not verify (${fault}): ${detail}`, EXIT.unverified);
    this.blockNumber = blockNumber;
    this.fault = fault;
  }
}

/** Names the block that is invalid. Any other error stays as it is. */
export function asUnverified(blockNumber: number, error: unknown): unknown {
  return error instanceof InvalidBlock ? new UnverifiedChain(blockNumber, error.fault, error.message) : error;
}

/**
 * Verifies a chain from where the memory ends. The source must first hold the exact block with which the memory ends.
 * @throws UnverifiedChain
 */
export async function* verifySource(
  source: ChainSource,
  genesis?: string,
  memory?: ChainMemory,
): AsyncGenerator<VerifiedBlock> {
  const end = memory?.end;
  if (end !== undefined) {
    if (genesis !== undefined && genesis !== end.genesisHash) throw otherGenesis(end.genesisHash, genesis);
    await refuseOther(source, end.next - 1, end.hash);
  }
  yield* verifyChain(source.blocks(end?.next ?? 0), genesis, memory);
}

/** @throws UnverifiedChain unless the block is the one that was verified before */
async function refuseOther(source: ChainSource, number: number, hash: string): Promise<void> {
  const refused = (detail: string) =>
    new UnverifiedChain(
      number,
      "not_continued",
      `the state was kept with another chain, or this one was changed: ${detail}`,
    );
  if (source.count <= number)
    throw refused(`it has ${source.count} blocks, and ${number + 1} were verified before`);
  for await (const { bytes } of source.blocks(number)) {
    const found = hashOf(bytes);
    if (found !== hash) throw refused(`its hash is ${found ?? "none"}, and was ${hash}`);
    return;
  }
}

/** The hash of a block's bytes; `undefined` when they are not a block. */
export function hashOf(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    const block = readBlock(bytes);
    checkContents(block);
    return block.hash;
  } catch (error) {
    if (error instanceof InvalidBlock) return undefined;
    throw error;
  }
}

function otherGenesis(found: string, wanted: string): UnverifiedChain {
  return new UnverifiedChain(
    0,
    "wrong_genesis",
    `its hash is ${found}, and not ${wanted}: this is another chain`,
  );
}

/**
 * Verifies blocks from where the memory ends, or from genesis on, each against all earlier ones.
 * @param genesis hash of block 0, known from elsewhere; without it genesis vouches for itself
 * @throws UnverifiedChain at the first invalid block
 */
export async function* verifyChain(
  source: AsyncIterable<SourceBlock>,
  genesis?: string,
  memory?: ChainMemory,
): AsyncGenerator<VerifiedBlock> {
  const verifier = new ChainVerifier(memory);
  for await (const given of source) {
    const { bytes } = given;
    const number = verifier.next;
    const block = await verifier.add(bytes).catch((error: unknown) => {
      throw asUnverified(number, error);
    });
    if (number === 0 && genesis !== undefined && block.hash !== genesis)
      throw otherGenesis(block.hash, genesis);
    const cid = sameCid(number, given, verifier.cid ?? "");
    yield { block, bytes, cid };
  }
}

/** @returns the CID of the bytes @throws UnverifiedChain when the source claims another one */
export async function verifyCid(blockNumber: number, source: SourceBlock): Promise<string> {
  return sameCid(blockNumber, source, await cidV0(source.bytes));
}

function sameCid(blockNumber: number, { cid: claimed }: SourceBlock, cid: string): string {
  if (claimed !== undefined && claimed !== cid)
    throw new UnverifiedChain(
      blockNumber,
      "wrong_cid",
      `it is said to be ${claimed} on IPFS, its bytes give ${cid}`,
    );
  return cid;
}
