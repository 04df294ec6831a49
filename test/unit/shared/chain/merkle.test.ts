import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  merkleRoot,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from "../../../../shared/chain/merkle.ts";
import { concat, fromHex, hex } from "../../../../shared/crypto/bytes.ts";
import { sha256, sha256Hex } from "../../../../shared/crypto/hash.ts";
import { fixture, some, vectors } from "../../../support/chain/vectors.ts";

interface Roots {
  leaves: string[];
  leafHashes: string[];
  nodeHashes: string[][];
  roots: { size: number; rootHex: string }[];
}
interface InclusionRow {
  name: string;
  leafIdx: string;
  treeSize: string;
  root: string;
  leafHash: string;
  proof: string[];
  wantErr: boolean;
}
interface ConsistencyRow {
  name: string;
  size1: string;
  size2: string;
  root1: string;
  root2: string;
  proof: string[];
  wantErr: boolean;
}
interface Vectors {
  roots: Roots;
  inclusion: InclusionRow[];
  consistency: ConsistencyRow[];
}

const committed = (fixture("rfc6962.json") as { vectors: Vectors }).vectors;
const sharedRoots = vectors("merkle/roots.json");
const shared = {
  roots: sharedRoots,
  inclusion: vectors("merkle/inclusion.json"),
  consistency: vectors("merkle/consistency.json"),
} as Vectors;
const sets = [{ set: "committed", vectors: committed }];
if (sharedRoots !== undefined) sets.push({ set: "shared", vectors: shared });

const base64 = (text: string) => Uint8Array.from(Buffer.from(text, "base64"));

describe.each(sets)("RFC 6962 vectors, $set", ({ vectors: { roots, inclusion, consistency } }) => {
  const leafHashes = roots.leaves.map((leaf) => leafHash(fromHex(leaf)));

  it("hashes leaves and complete subtrees as published", () => {
    expect(leafHashes.map(hex)).toEqual(some(roots.leafHashes));
    let level: Uint8Array[] = leafHashes;
    for (const published of some(roots.nodeHashes)) {
      expect(level.map(hex)).toEqual(published);
      const pairs = Array.from({ length: level.length / 2 }, (_, i) => level.slice(2 * i, 2 * i + 2));
      level = pairs.map(([left, right]) => nodeHash(left ?? new Uint8Array(), right ?? new Uint8Array()));
    }
  });

  it.each(some(roots.roots))("gives the published root of $size leaves", ({ size, rootHex }) => {
    expect(hex(merkleRoot(leafHashes.slice(0, size)))).toBe(rootHex);
  });

  it("has accepted and refused proofs of both kinds", () => {
    for (const rows of [inclusion, consistency])
      expect(new Set(rows.map(({ wantErr }) => wantErr))).toEqual(new Set([true, false]));
  });

  it.each(some(inclusion))("judges inclusion $name as published", (row) => {
    const accepted = verifyInclusion({
      leafIndex: BigInt(row.leafIdx),
      treeSize: BigInt(row.treeSize),
      leafHash: base64(row.leafHash),
      proof: row.proof.map(base64),
      root: base64(row.root),
    });
    expect(accepted).toBe(!row.wantErr);
  });

  it.each(some(inclusion.filter(({ wantErr }) => !wantErr)))("builds the proof of $name itself", (row) => {
    const proof = inclusionProof(leafHashes.slice(0, Number(row.treeSize)), Number(row.leafIdx));
    expect(proof.map(hex)).toEqual(row.proof.map((hash) => hex(base64(hash))));
  });

  it.each(some(consistency))("judges consistency $name as published", (row) => {
    const accepted = verifyConsistency({
      firstSize: BigInt(row.size1),
      secondSize: BigInt(row.size2),
      firstRoot: base64(row.root1),
      secondRoot: base64(row.root2),
      proof: row.proof.map(base64),
    });
    expect(accepted).toBe(!row.wantErr);
  });

  it.each(some(consistency.filter(({ wantErr }) => !wantErr)))("builds the proof of $name itself", (row) => {
    const proof = consistencyProof(leafHashes.slice(0, Number(row.size2)), Number(row.size1));
    expect(proof.map(hex)).toEqual(row.proof.map((hash) => hex(base64(hash))));
  });
});

describe("an inclusion proof", () => {
  it("verifies for every leaf of every small tree, and for no other leaf", () => {
    for (let treeSize = 1; treeSize <= 33; treeSize++) {
      const leaves = tree(treeSize);
      const root = merkleRoot(leaves);
      for (const [leafIndex, leaf] of leaves.entries()) {
        const claim = { leafIndex, treeSize, leafHash: leaf, proof: inclusionProof(leaves, leafIndex), root };
        expect(verifyInclusion(claim)).toBe(true);
        const otherIndex = (leafIndex + 1) % treeSize;
        expect(verifyInclusion({ ...claim, leafIndex: otherIndex })).toBe(otherIndex === leafIndex);
        expect(verifyInclusion({ ...claim, leafHash: sha256(leaf) })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: [...claim.proof, leaf] })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: claim.proof.slice(1) })).toBe(treeSize === 1);
      }
    }
  });

  it("does not survive a changed bit anywhere", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 70 }),
        fc.nat(),
        fc.nat(),
        fc.nat({ max: 255 }),
        (size, at, which, bit) => {
          const leaves = tree(size);
          const index = at % size;
          const proof = inclusionProof(leaves, index);
          const claim = {
            leafIndex: index,
            treeSize: size,
            leafHash: leaves[index] ?? sha256(new Uint8Array()),
            proof,
          };
          const root = merkleRoot(leaves);
          const broken = proof.with(which % proof.length, flip(proof[which % proof.length], bit));
          expect(verifyInclusion({ ...claim, root })).toBe(true);
          expect(verifyInclusion({ ...claim, root, proof: broken })).toBe(false);
          expect(verifyInclusion({ ...claim, root: flip(root, bit) })).toBe(false);
        },
      ),
    );
  });

  it.each([-1, 8, 1.5, Number.NaN, 2 ** 53, -1n, 8n, 2n ** 64n - 1n])(
    "is refused for leaf %s of 8",
    (leafIndex) => {
      const leaves = tree(8);
      const claim = { treeSize: 8, leafHash: sha256(new Uint8Array()), proof: inclusionProof(leaves, 0) };
      expect(verifyInclusion({ ...claim, leafIndex, root: merkleRoot(leaves) })).toBe(false);
      expect(() => inclusionProof(leaves, Number(leafIndex))).toThrow(RangeError);
    },
  );

  it("is refused when bytes move between the leaf's hash and its sibling", () => {
    const leaves = tree(2);
    const joined = concat(...leaves);
    const claim = { leafIndex: 0, treeSize: 2, root: merkleRoot(leaves) };
    const at = (cut: number) => ({ ...claim, leafHash: joined.slice(0, cut), proof: [joined.slice(cut)] });
    expect(verifyInclusion(at(32))).toBe(true);
    for (const cut of [0, 31, 33, 64]) expect(verifyInclusion(at(cut))).toBe(false);
  });

  it("does not let an inner node pass for a leaf [T80]", () => {
    const leaves = tree(4);
    const [a, b, c, d] = leaves.map(hex);
    const data = fromHex(`${a}${b}`);
    const claim = { leafIndex: 0, treeSize: 2, proof: [fromHex(sha256Hex(fromHex(`01${c}${d}`)))] };
    expect(verifyInclusion({ ...claim, leafHash: leafHash(data), root: merkleRoot(leaves) })).toBe(false);
  });
});

describe("a consistency proof", () => {
  it("verifies between every two sizes of a growing tree, and for no other sizes or roots", () => {
    for (let secondSize = 1; secondSize <= 20; secondSize++)
      for (let firstSize = 1; firstSize <= secondSize; firstSize++) {
        const [firstRoot, secondRoot] = [merkleRoot(tree(firstSize)), merkleRoot(tree(secondSize))];
        const claim = { firstSize, secondSize, firstRoot, secondRoot };
        const proof = consistencyProof(tree(secondSize), firstSize);
        expect(verifyConsistency({ ...claim, proof })).toBe(true);
        expect(verifyConsistency({ ...claim, proof, firstRoot: flip(firstRoot, 0) })).toBe(false);
        expect(verifyConsistency({ ...claim, proof, secondRoot: flip(secondRoot, 9) })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: [...proof, firstRoot] })).toBe(false);
        expect(verifyConsistency({ ...claim, proof, firstSize: secondSize + 1 })).toBe(false);
        expect(verifyConsistency({ ...claim, proof, firstSize: 0 })).toBe(false);
        for (const at of proof.keys())
          expect(verifyConsistency({ ...claim, proof: proof.with(at, flip(proof[at], 5)) })).toBe(false);
      }
  });

  it("is refused when bytes move between its hashes", () => {
    const leaves = tree(4);
    const joined = concat(...leaves.slice(2));
    const [firstRoot, secondRoot] = [merkleRoot(tree(3)), merkleRoot(leaves)];
    const claim = { firstSize: 3, secondSize: 4, firstRoot, secondRoot };
    const [third, fourth, left] = consistencyProof(leaves, 3);
    expect([third, fourth].map((hash) => hash && hex(hash)).join("")).toBe(hex(joined));
    const at = (cut: number) => [joined.slice(0, cut), joined.slice(cut), left ?? secondRoot];
    expect(verifyConsistency({ ...claim, proof: at(32) })).toBe(true);
    for (const cut of [0, 31, 33, 64]) expect(verifyConsistency({ ...claim, proof: at(cut) })).toBe(false);
  });

  it("does not exist for a tree that was rewritten [T40 T80]", () => {
    const rewritten = tree(7).with(2, leafHash(Uint8Array.of(99)));
    const claim = {
      firstSize: 5,
      secondSize: 7,
      firstRoot: merkleRoot(tree(5)),
      secondRoot: merkleRoot(rewritten),
    };
    for (const leaves of [tree(7), rewritten])
      expect(verifyConsistency({ ...claim, proof: consistencyProof(leaves, 5) })).toBe(false);
  });

  it.each([-1, 0, 9, 1.5, Number.NaN])("can't be made from size %s to 8", (firstSize) => {
    expect(() => consistencyProof(tree(8), firstSize)).toThrow(RangeError);
  });
});

/** Returns the leaf hashes 0 … size − 1, the same for every size. */
function tree(size: number): Uint8Array[] {
  return Array.from({ length: size }, (_, i) => leafHash(Uint8Array.of(i & 0xff, i >> 8)));
}

function flip(hash: Uint8Array | undefined, bit: number): Uint8Array {
  if (hash === undefined) throw new Error("nothing to change");
  return hash.with(bit >> 3, (hash[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
}
