import { sha256 } from "../crypto/hash.ts";
import { auditPath, leafHash, nodeHash, splitPoint } from "./merkle.ts";

/**
 * The nodes of the append-only tree over block hashes: only complete subtrees, which never change once written.
 * Node (level, index) covers the leaves index × 2^level to (index + 1) × 2^level − 1.
 */
export interface NodeStore {
  /** Returns 32 bytes. Throws when the node is missing: a missing node is corruption, never "empty". */
  get(level: number, index: number): Uint8Array;
  /** Setting a node again with the same bytes changes nothing. */
  set(level: number, index: number, hash: Uint8Array): void;
}

/**
 * Adds leaf number `size`, with every subtree that it completes. Safe to repeat.
 * @param size number of leaves before
 * @param blockHash 32 bytes: the data of the leaf
 * @throws TypeError unless `blockHash` has 32 bytes
 */
export function append(store: NodeStore, size: number, blockHash: Uint8Array): void {
  checkSize(size);
  if (blockHash.length !== 32) throw new TypeError(`a block hash has 32 bytes, not ${blockHash.length}`);
  let [level, index, hash] = [0, size, leafHash(blockHash)];
  store.set(level, index, hash);
  while (index % 2 === 1) {
    hash = nodeHash(store.get(level, index - 1), hash);
    [level, index] = [level + 1, (index - 1) / 2];
    store.set(level, index, hash);
  }
}

/** Computes the RFC 6962 root over the first `size` leaves, from at most log2(size) + 1 nodes. Returns 32 bytes. */
export function historyRoot(store: NodeStore, size: number): Uint8Array {
  checkSize(size);
  return size === 0 ? sha256(new Uint8Array()) : partRoot(store, 0, size);
}

/**
 * Proves that leaf `index` is in the tree of the first `size` leaves, for `verifyInclusion`.
 * @throws RangeError when the leaf does not exist
 */
export function historyInclusionProof(store: NodeStore, size: number, index: number): Uint8Array[] {
  return auditPath(index, size, (start, end) => partRoot(store, start, end));
}

// RFC 6962 splits at powers of two, so `start` is a multiple of the largest power of two in the part's size.
function partRoot(store: NodeStore, start: number, end: number): Uint8Array {
  const size = end - start;
  const level = Math.log2(size);
  if (Number.isInteger(level)) return store.get(level, start / size);
  const middle = start + splitPoint(size);
  return nodeHash(partRoot(store, start, middle), partRoot(store, middle, end));
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is no size of a tree`);
}
