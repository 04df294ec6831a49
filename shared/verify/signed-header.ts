import { headerHash, InvalidBlock, type Block, type Header } from "../chain/block.ts";
import { leafHash, verifyInclusion } from "../chain/merkle.ts";
import type { SigningKeyLookup } from "../chain/block.ts";
import { fromBase64url, fromHex } from "../crypto/bytes.ts";
import { BLOCK } from "../crypto/contexts.ts";
import { verify } from "../crypto/ml-dsa.ts";

/** A block without its transactions. */
export interface SignedHeader {
  readonly header: Header;
  readonly blockSignature: Block["blockSignature"];
}

/**
 * Recomputes the header's hash and verifies the block signature over it.
 * @returns the block's hash
 * @throws InvalidBlock "unknown_key", "retired_key" or "wrong_signature"
 */
export async function verifySignedHeader(
  { header, blockSignature }: SignedHeader,
  signingKey: SigningKeyLookup,
): Promise<string> {
  const hash = headerHash(header);
  const { keyId, signature } = blockSignature;
  const publicKey = signingKey(keyId, header.blockNumber);
  if (publicKey === undefined)
    throw new InvalidBlock(
      "unknown_key",
      `block ${header.blockNumber} is signed by ${keyId}, which the shown key chain does not announce before it`,
    );
  if (!(await verify(decoded(signature), fromHex(hash), decoded(publicKey), BLOCK)))
    throw new InvalidBlock("wrong_signature", `the signature of block ${header.blockNumber} does not verify`);
  return hash;
}

/** Decides whether the entry is at this place of the tree. Hashes are in hex. */
export function isIncluded(place: {
  readonly entry: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly path: readonly string[];
  readonly root: Uint8Array;
}): boolean {
  const { entry, index, size, path, root } = place;
  return verifyInclusion({
    leafIndex: index,
    treeSize: size,
    leafHash: leafHash(entry),
    proof: path.map(fromHex),
    root,
  });
}

function decoded(text: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64url(text);
  } catch {
    return new Uint8Array(0); // a valid signature or key is never empty, so verification answers false
  }
}
