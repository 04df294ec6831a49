import { InvalidBlock, type Block } from "../../shared/chain/block.ts";
import { ChainVerifier } from "../../shared/chain/verify-chain.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { CommandFailure, EXIT } from "../failure.ts";

/** A block as somebody gives it. */
export interface SourceBlock {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Under which it is said to be on IPFS. */
  readonly cid?: string;
}

export interface VerifiedBlock {
  readonly block: Block;
  /** Canonical. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Computed from the bytes. */
  readonly cid: string;
}

/** Why a chain is not what it claims to be: `fault` is one of `BLOCK_FAULTS`, `wrong_cid` or `wrong_genesis`. */
export class Unverified extends CommandFailure {
  readonly blockNumber: number;
  readonly fault: string;

  constructor(blockNumber: number, fault: string, detail: string) {
    super(`block ${blockNumber} does not verify (${fault}): ${detail}`, EXIT.unverified);
    this.blockNumber = blockNumber;
    this.fault = fault;
  }
}

/**
 * Verifies blocks from genesis on, each against all before it.
 * @param genesis the hash of block 0, known from elsewhere; without it genesis vouches for itself
 * @throws Unverified at the first block that is not what it must be
 */
export async function* verifyChain(
  source: AsyncIterable<SourceBlock>,
  genesis?: string,
): AsyncGenerator<VerifiedBlock> {
  const verifier = new ChainVerifier();
  for await (const given of source) {
    const { bytes } = given;
    const number = verifier.next;
    const block = await verifier.add(bytes).catch((error: unknown) => {
      throw error instanceof InvalidBlock ? new Unverified(number, error.fault, error.message) : error;
    });
    if (number === 0 && genesis !== undefined && block.hash !== genesis)
      throw new Unverified(
        0,
        "wrong_genesis",
        `its hash is ${block.hash}, and not ${genesis}: this is another chain`,
      );
    const cid = await verifyCid(number, given);
    yield { block, bytes, cid };
  }
}

/** @returns the CID of its bytes @throws Unverified when it is said to have another */
export async function verifyCid(blockNumber: number, { bytes, cid: claimed }: SourceBlock): Promise<string> {
  const cid = await cidV0(bytes);
  if (claimed !== undefined && claimed !== cid)
    throw new Unverified(
      blockNumber,
      "wrong_cid",
      `it is said to be ${claimed} on IPFS, its bytes give ${cid}`,
    );
  return cid;
}
