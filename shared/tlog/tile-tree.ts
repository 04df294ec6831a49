import { concat } from "../crypto/bytes.ts";
import { sha256 } from "../crypto/hash.ts";
import { merkleRoot, nodeHash, splitPoint } from "../chain/merkle.ts";
import { hashesAt, TILE_WIDTH, tileHashes, widthAt, type Tile } from "./tiles.ts";

/** Reads the bytes of a stored tile; throws when it is missing. A reader may return a wider tile's first `width` hashes. */
export type TileReader = (tile: Tile) => Promise<Uint8Array>;

/** Levels of the tree within one tile: 256 = 2^8. */
const HEIGHT = 8;

/**
 * A tree of `size` leaves that is read from tiles. Each tile is read once, so a proof costs a number of reads that is
 * logarithmic in the size.
 */
export class TileTree {
  readonly size: number;
  readonly #read: TileReader;
  readonly #tiles = new Map<string, Promise<Uint8Array[]>>();

  /** @param read gives the tiles of this tree, or of a larger one that begins with it */
  constructor(size: number, read: TileReader) {
    this.size = size;
    this.#read = read;
  }

  /** RFC 6962 §2.1 root over the first `end` leaves. */
  root(end = this.size): Promise<Uint8Array> {
    return end === 0 ? Promise.resolve(sha256(new Uint8Array())) : this.#part(0, end);
  }

  /**
   * PATH of RFC 6962 §2.1.1: proves that leaf `index` is in the tree of the first `size` leaves.
   * @throws RangeError when the leaf does not exist
   */
  async inclusionProof(index: number, size = this.size): Promise<Uint8Array[]> {
    if (!Number.isSafeInteger(index) || index < 0 || index >= size || size > this.size)
      throw new RangeError(`no leaf ${index} in a tree of ${size}`);
    const parts: [number, number][] = [];
    let [start, end] = [0, size];
    while (end - start > 1) {
      const middle = start + splitPoint(end - start);
      if (index < middle) {
        parts.push([middle, end]);
        end = middle;
      } else {
        parts.push([start, middle]);
        start = middle;
      }
    }
    return this.#parts(parts.toReversed());
  }

  /**
   * PROOF of RFC 6962 §2.1.2: proves that the tree of `from` leaves is a beginning of the tree of `to` leaves.
   * @throws RangeError unless 1 ≤ from ≤ to ≤ size
   */
  async consistencyProof(from: number, to = this.size): Promise<Uint8Array[]> {
    if (!Number.isSafeInteger(from) || from < 1 || from > to || to > this.size)
      throw new RangeError(`no proof from size ${from} to ${to}`);
    const parts: [number, number][] = [];
    let [start, end] = [0, to];
    while (end !== from) {
      const middle = start + splitPoint(end - start);
      if (from <= middle) {
        parts.push([middle, end]);
        end = middle;
      } else {
        parts.push([start, middle]);
        start = middle;
      }
    }
    // A first tree that is complete is itself a node of the second, and the verifier has its root.
    const known: [number, number][] = start === 0 ? [] : [[start, end]];
    return this.#parts([...known, ...parts.toReversed()]);
  }

  async #parts(parts: readonly (readonly [number, number])[]): Promise<Uint8Array[]> {
    const hashes: Uint8Array[] = [];
    for (const [start, end] of parts) hashes.push(await this.#part(start, end));
    return hashes;
  }

  /** RFC 6962 splits at powers of two, so `start` is a multiple of the largest power of two in the part's size. */
  async #part(start: number, end: number): Promise<Uint8Array> {
    const level = Math.log2(end - start);
    if (Number.isInteger(level)) return this.#node(level, start / 2 ** level);
    const middle = start + splitPoint(end - start);
    return nodeHash(await this.#part(start, middle), await this.#part(middle, end));
  }

  /** The root of the complete subtree (level, index), from the tile that holds its hashes. */
  async #node(level: number, index: number): Promise<Uint8Array> {
    const tileLevel = Math.floor(level / HEIGHT);
    const count = 2 ** (level % HEIGHT);
    const first = index * count;
    const hashes = await this.#tile(tileLevel, Math.floor(first / TILE_WIDTH));
    return merkleRoot(hashes.slice(first % TILE_WIDTH, (first % TILE_WIDTH) + count));
  }

  #tile(level: number, index: number): Promise<Uint8Array[]> {
    const key = `${level}/${index}`;
    const known = this.#tiles.get(key);
    if (known !== undefined) return known;
    const width = widthAt(level, index, this.size);
    const read = this.#read({ level, index, width }).then((bytes) => tileHashes(bytes, width));
    this.#tiles.set(key, read);
    return read;
  }
}

/** A tile with its bytes. */
export interface BuiltTile extends Tile {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Computes the tiles that a tree gains with new leaves: full tiles, and the partial tile at the end of each level. Reads at
 * most one tile for each level of the old tree.
 * @param oldSize number of leaves before
 * @param leafHashes of the new leaves, in order
 */
export async function newTiles(
  oldSize: number,
  leafHashes: readonly Uint8Array[],
  read: TileReader,
): Promise<BuiltTile[]> {
  const tiles: BuiltTile[] = [];
  let [level, added] = [0, leafHashes];
  while (added.length > 0) {
    const before = hashesAt(level, oldSize);
    const first = Math.floor(before / TILE_WIDTH);
    const kept = before % TILE_WIDTH;
    const old = kept === 0 ? [] : tileHashes(await read({ level, index: first, width: kept }), kept);
    const hashes = [...old, ...added];
    const above: Uint8Array[] = [];
    for (let start = 0; start < hashes.length; start += TILE_WIDTH) {
      const part = hashes.slice(start, start + TILE_WIDTH);
      const index = first + start / TILE_WIDTH;
      tiles.push({ level, index, width: part.length, bytes: concat(...part) });
      if (part.length === TILE_WIDTH) above.push(merkleRoot(part));
    }
    [level, added] = [level + 1, above];
  }
  return tiles;
}
