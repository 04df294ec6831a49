import { describe, expect, it } from "vitest";
import { leafHash, nodeHash, verifyInclusion } from "../../../../shared/chain/merkle.ts";
import { concat } from "../../../../shared/crypto/bytes.ts";
import { tileReader, transactionProof } from "../../../../shared/operations/log-proof.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { TileTree } from "../../../../shared/tlog/tile-tree.ts";
import { hashesAt, parseTileIndex, parseTileLevel, TILE_WIDTH } from "../../../../shared/tlog/tiles.ts";

const LEAF = leafHash(new Uint8Array(32));

/** The root of the complete subtree of 256^level equal leaves: every hash of a tile at this level. */
function hashAt(level: number): Uint8Array {
  let hash: Uint8Array = LEAF;
  for (let height = 0; height < level * 8; height++) hash = nodeHash(hash, hash);
  return hash;
}

/** An R2 bucket that holds the tiles of a log of equal entries, made when they are read. It counts the reads. */
class SparseBucket {
  reads = 0;
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  async get(key: string) {
    this.reads++;
    const [, level = "", place = ""] = /tile\/(\d+)\/(.*)$/.exec(key) ?? [];
    const [tileLevel, tile] = [parseTileLevel(level), parseTileIndex(place)];
    if (tileLevel === undefined || tile === undefined) throw new Error(`${key} is no tile`);
    const present = Math.min(TILE_WIDTH, hashesAt(tileLevel, this.#size) - tile.index * TILE_WIDTH);
    if (tile.width !== present) return null;
    const bytes = concat(...Array.from({ length: tile.width }, () => hashAt(tileLevel)));
    return { arrayBuffer: async () => bytes.buffer };
  }
}

describe("a proof", () => {
  it.for([
    [10, 2],
    [1_000, 4],
    [20_000, 6],
    [5_000_000, 8],
  ] as const)("in a log of %d blocks costs at most %d reads of R2 in each log", async ([size, most]) => {
    for (const index of [0, Math.floor(size / 3), size - 1]) {
      const bucket = new SparseBucket(size);
      const read = tileReader(bucket as unknown as R2Bucket, r2Keys.transactionLogPrefix);
      const pair = { size, entries: size, blocks: "", transactions: "" };
      const { path } = await transactionProof(
        read,
        { blockNumber: index, index: 0, firstEntry: index },
        pair,
      );
      expect(bucket.reads).toBeLessThanOrEqual(most);
      const root = await new TileTree(size, read).root();
      expect(verifyInclusion({ leafIndex: index, treeSize: size, leafHash: LEAF, proof: path, root })).toBe(
        true,
      );
    }
  });
});
