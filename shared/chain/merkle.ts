import { concat, equalBytes } from "../crypto/bytes.ts";
import { sha256 } from "../crypto/hash.ts";

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);
const HASH_BYTES = 32;

/** RFC 6962 §2.1: SHA-256(0x00 ‖ data). */
export function leafHash(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(concat(LEAF, data));
}

/** RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(concat(NODE, left, right));
}

/**
 * MTH of RFC 6962 §2.1 over leaf hashes. The root of no leaves is SHA-256 of the empty string. The last leaf is never
 * duplicated.
 */
export function merkleRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
  const [first] = leafHashes;
  if (first === undefined) return sha256(new Uint8Array());
  if (leafHashes.length === 1) return first;
  const split = splitPoint(leafHashes.length);
  return nodeHash(merkleRoot(leafHashes.slice(0, split)), merkleRoot(leafHashes.slice(split)));
}

/**
 * PATH of RFC 6962 §2.1.1, lowest sibling first.
 * @param index of the leaf, from 0
 * @throws RangeError when the leaf does not exist
 */
export function inclusionProof(leafHashes: readonly Uint8Array[], index: number): Uint8Array[] {
  return auditPath(index, leafHashes.length, (start, end) => merkleRoot(leafHashes.slice(start, end)));
}

/** The root over leaves `start` to `end` − 1: a left or right part of a tree, as RFC 6962 splits it. */
export type PartRoot = (start: number, end: number) => Uint8Array;

/**
 * PATH of RFC 6962 §2.1.1 for a caller that can compute the roots of a tree's parts.
 * @throws RangeError when the leaf does not exist
 */
export function auditPath(index: number, size: number, partRoot: PartRoot): Uint8Array[] {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size)
    throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  const path: Uint8Array[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      path.push(partRoot(middle, end));
      end = middle;
    } else {
      path.push(partRoot(start, middle));
      start = middle;
    }
  }
  return path.toReversed();
}

/** A number must be a safe integer; a bigint has no limit. */
export type TreeSize = number | bigint;

export interface Inclusion {
  leafIndex: TreeSize;
  treeSize: TreeSize;
  leafHash: Uint8Array;
  proof: readonly Uint8Array[];
  root: Uint8Array;
}

/** Decides whether the leaf is in the tree. RFC 9162 §2.1.3.2. Never throws for bad values: it answers false. */
export function verifyInclusion({ leafIndex, treeSize, leafHash, proof, root }: Inclusion): boolean {
  const [index, size] = [natural(leafIndex), natural(treeSize)];
  if (index === undefined || size === undefined || index >= size) return false;
  if (![leafHash, root, ...proof].every(isHash)) return false;

  let [fn, sn, hash] = [index, size - 1n, leafHash];
  for (const sibling of proof) {
    if (sn === 0n) return false;
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(fn) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && equalBytes(hash, root);
}

/**
 * PROOF of RFC 6962 §2.1.2: proves that the tree over the first `firstSize` leaves is a beginning of this tree. Equal
 * sizes give an empty proof.
 * @throws RangeError unless 1 ≤ firstSize ≤ number of leaves (an empty tree proves nothing)
 */
export function consistencyProof(leafHashes: readonly Uint8Array[], firstSize: number): Uint8Array[] {
  if (!Number.isSafeInteger(firstSize) || firstSize < 1 || firstSize > leafHashes.length)
    throw new RangeError(`no proof from size ${firstSize} to ${leafHashes.length}`);
  return subproof(firstSize, leafHashes, true);
}

export interface Consistency {
  firstSize: TreeSize;
  secondSize: TreeSize;
  firstRoot: Uint8Array;
  secondRoot: Uint8Array;
  proof: readonly Uint8Array[];
}

/**
 * Decides whether the second tree only appends to the first. RFC 9162 §2.1.4.2. A first size of 0 proves nothing: false.
 */
export function verifyConsistency(claim: Consistency): boolean {
  const { firstRoot, secondRoot, proof } = claim;
  const [first, second] = [natural(claim.firstSize), natural(claim.secondSize)];
  if (first === undefined || second === undefined || first === 0n || first > second) return false;
  if (![firstRoot, secondRoot, ...proof].every(isHash)) return false;
  if (first === second) return proof.length === 0 && equalBytes(firstRoot, secondRoot);

  let [fn, sn] = [first - 1n, second - 1n];
  while (isOdd(fn)) [fn, sn] = [fn >> 1n, sn >> 1n];
  // A first tree that is complete is itself a node of the second, and the proof leaves it out.
  const [start, ...path] = fn === 0n ? [firstRoot, ...proof] : proof;
  if (start === undefined) return false;

  let [firstHash, secondHash] = [start, start];
  for (const sibling of path) {
    if (sn === 0n) return false;
    if (isOdd(fn) || fn === sn) {
      firstHash = nodeHash(sibling, firstHash);
      secondHash = nodeHash(sibling, secondHash);
      while (!isOdd(fn) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      secondHash = nodeHash(secondHash, sibling);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && equalBytes(firstHash, firstRoot) && equalBytes(secondHash, secondRoot);
}

/** The largest power of two below `size`: where RFC 6962 §2.1 splits a tree of two leaves or more. */
export function splitPoint(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** SUBPROOF of RFC 6962 §2.1.2; `known` while the verifier holds the root of the first `m` leaves itself. */
function subproof(m: number, leafHashes: readonly Uint8Array[], known: boolean): Uint8Array[] {
  if (m === leafHashes.length) return known ? [] : [merkleRoot(leafHashes)];
  const split = splitPoint(leafHashes.length);
  const [left, right] = [leafHashes.slice(0, split), leafHashes.slice(split)];
  if (m <= split) return [...subproof(m, left, known), merkleRoot(right)];
  return [...subproof(m - split, right, false), merkleRoot(left)];
}

function natural(size: TreeSize): bigint | undefined {
  if (typeof size === "number" && !Number.isSafeInteger(size)) return undefined;
  return size < 0 ? undefined : BigInt(size);
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n;
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES;
}
