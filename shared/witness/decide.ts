import { verifyConsistency } from "../chain/merkle.ts";
import { equalBytes } from "../crypto/bytes.ts";
import { sha256 } from "../crypto/hash.ts";

/** The largest tree of one log that the witness has cosigned. */
export interface Tree {
  readonly size: number;
  /** RFC 6962 §2.1 root, 32 bytes. */
  readonly root: Uint8Array;
}

/** The tree of a log that the witness has never cosigned. */
export const NO_TREE: Tree = { size: 0, root: sha256(new Uint8Array()) };

/** A tree that a log's key has signed, with the client's proof that it continues the tree of the old size. */
export interface SignedTree extends Tree {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
}

/** `advanced`: the witness may cosign, and the signed tree is its new state. Everything else leaves the state as it is. */
export type Decision =
  | { readonly kind: "advanced" }
  /** The client's old size is above the size of its checkpoint. */
  | { readonly kind: "old_size_too_large" }
  /** The client's old size is not the witness's. */
  | { readonly kind: "other_old_size"; readonly size: number }
  /** The witness has cosigned another root for this size: the log has forked. */
  | { readonly kind: "other_root" }
  /** The proof does not lead from the witness's tree to the signed one. */
  | { readonly kind: "bad_proof" };

/**
 * Decides whether a witness cosigns a tree that the log has signed: C2SP tlog-witness, in its order of checks. Pure: the caller
 * stores the new tree in the transaction in which it read `cosigned`.
 */
export function decide(cosigned: Tree, signed: SignedTree): Decision {
  const { oldSize, size, root } = signed;
  if (oldSize > size) return { kind: "old_size_too_large" };
  if (oldSize !== cosigned.size) return { kind: "other_old_size", size: cosigned.size };
  if (oldSize === size && !equalBytes(root, cosigned.root)) return { kind: "other_root" };
  return continues(cosigned, signed) ? { kind: "advanced" } : { kind: "bad_proof" };
}

/** Every tree continues the empty one, and RFC 6962 has no proof from it. */
function continues(cosigned: Tree, { size, root, proof }: SignedTree): boolean {
  if (cosigned.size === 0) return proof.length === 0;
  return verifyConsistency({
    firstSize: cosigned.size,
    secondSize: size,
    firstRoot: cosigned.root,
    secondRoot: root,
    proof,
  });
}
