import { beforeAll, describe, expect, it } from "vitest";
import {
  append,
  historyInclusionProof,
  historyRoot,
  type NodeStore,
} from "../../../../shared/chain/history.ts";
import { inclusionProof, leafHash, merkleRoot, verifyInclusion } from "../../../../shared/chain/merkle.ts";
import { hex } from "../../../../shared/crypto/bytes.ts";
import { sha256, sha256Hex } from "../../../../shared/crypto/hash.ts";

const SIZE = 300;
const blockHashes = Array.from({ length: SIZE }, (_, i) => sha256(Uint8Array.of(i & 0xff, i >> 8)));
const leafHashes = blockHashes.map(leafHash);

describe("the history tree", () => {
  const store = new CountingStore();
  beforeAll(() => {
    for (const [size, hash] of blockHashes.entries()) append(store, size, hash);
  });

  it("has the RFC 6962 root at every size from 0 to 300", () => {
    expect(hex(historyRoot(store, 0))).toBe(sha256Hex(new Uint8Array()));
    for (let size = 0; size <= SIZE; size++)
      expect(hex(historyRoot(store, size)), `size ${size}`).toBe(hex(merkleRoot(leafHashes.slice(0, size))));
  });

  it("proves every block at many sizes, with the proof that the whole tree gives", () => {
    for (const size of [1, 2, 3, 7, 8, 9, 64, 65, 127, 255, 256, 257, 300])
      for (let index = 0; index < size; index++) {
        const proof = historyInclusionProof(store, size, index);
        if (size < 100 || index % 7 === 0 || index > size - 4)
          expect(proof.map(hex)).toEqual(inclusionProof(leafHashes.slice(0, size), index).map(hex));
        const leaf = leafHashes[index] ?? new Uint8Array();
        const claim = {
          leafIndex: index,
          treeSize: size,
          leafHash: leaf,
          proof,
          root: historyRoot(store, size),
        };
        expect(verifyInclusion(claim)).toBe(true);
      }
  });

  it("reads a logarithmic number of nodes", () => {
    expect(store.reads(() => historyRoot(store, 255))).toBe(8);
    expect(store.reads(() => historyRoot(store, 256))).toBe(1);
    for (let index = 0; index < SIZE; index++)
      expect(store.reads(() => historyInclusionProof(store, SIZE, index))).toBeLessThanOrEqual(16);
  });

  it("writes each node once: fewer than two a block", () => {
    const fresh = new CountingStore();
    for (const [size, hash] of blockHashes.entries()) append(fresh, size, hash);
    expect(fresh.writes).toBe(fresh.count);
    expect(fresh.writes).toBeLessThan(2 * SIZE);
  });

  it("stays the same when an append is repeated", () => {
    const fresh = new CountingStore();
    for (const [size, hash] of blockHashes.slice(0, 40).entries())
      for (let times = 0; times < 2; times++) append(fresh, size, hash);
    expect(hex(historyRoot(fresh, 40))).toBe(hex(merkleRoot(leafHashes.slice(0, 40))));
  });

  it("fails rather than answer from a store with a hole", () => {
    const holed = new CountingStore();
    for (const [size, hash] of blockHashes.slice(0, 7).entries()) append(holed, size, hash);
    expect(() => historyRoot(holed, 8)).toThrow(/no node/);
    expect(() => append(holed, 9, sha256(new Uint8Array()))).toThrow(/no node/);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 53])("has no size %s", (size) => {
    expect(() => historyRoot(store, size)).toThrow(RangeError);
    expect(() => append(store, size, sha256(new Uint8Array()))).toThrow(RangeError);
    expect(() => historyInclusionProof(store, size, 0)).toThrow(RangeError);
  });

  it("takes 32-byte hashes only, and proves no block that it does not have", () => {
    expect(() => append(store, SIZE, new Uint8Array(31))).toThrow(TypeError);
    expect(() => append(store, SIZE, new Uint8Array(0))).toThrow(TypeError);
    expect(() => historyInclusionProof(store, SIZE, SIZE)).toThrow(RangeError);
    expect(() => historyInclusionProof(store, 0, 0)).toThrow(RangeError);
  });
});

class CountingStore implements NodeStore {
  readonly #nodes = new Map<string, Uint8Array>();
  #reads = 0;
  writes = 0;

  get(level: number, index: number): Uint8Array {
    this.#reads++;
    const node = this.#nodes.get(`${level}/${index}`);
    if (!node) throw new Error(`no node ${level}/${index}`);
    return node;
  }

  set(level: number, index: number, hash: Uint8Array): void {
    this.writes++;
    const before = this.#nodes.get(`${level}/${index}`);
    if (before && hex(before) !== hex(hash)) throw new Error("a complete subtree never changes");
    this.#nodes.set(`${level}/${index}`, hash);
  }

  get count(): number {
    return this.#nodes.size;
  }

  reads(action: () => void): number {
    const before = this.#reads;
    action();
    return this.#reads - before;
  }
}
