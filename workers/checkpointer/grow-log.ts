import { leafHash } from "../../shared/chain/merkle.ts";
import { readObject } from "../../shared/storage/r2-tier.ts";
import { newTiles, TileTree, type BuiltTile, type TileReader } from "../../shared/tlog/tile-tree.ts";
import { tilePath } from "../../shared/tlog/tiles.ts";

/** A log with its new entries: the tiles that it gains, and its root. */
export interface GrownLog {
  readonly size: number;
  readonly tiles: readonly BuiltTile[];
  /** RFC 6962 root, 32 bytes. */
  readonly root: Uint8Array<ArrayBuffer>;
}

/**
 * Computes the tiles and the root of a log that grows. Reads a number of tiles that is logarithmic in its size.
 * @param prefix of the log's keys in R2
 * @param size number of entries before
 * @throws Error when a tile of the present tree is missing: the storage verifier rebuilds it
 */
export async function growLog(
  bucket: R2Bucket,
  prefix: string,
  size: number,
  entries: readonly Uint8Array[],
): Promise<GrownLog> {
  const stored = storedTiles(bucket, prefix);
  const tiles = await newTiles(size, entries.map(leafHash), stored);
  const built = new Map(tiles.map((tile) => [tilePath(tile), tile.bytes]));
  const grown = size + entries.length;
  const tree = new TileTree(grown, async (tile) => built.get(tilePath(tile)) ?? stored(tile));
  return { size: grown, tiles, root: Uint8Array.from(await tree.root()) };
}

/** Reads tiles of a published tree. @throws Error when a tile is missing */
export function storedTiles(bucket: R2Bucket, prefix: string): TileReader {
  return async (tile) => {
    const key = `${prefix}${tilePath(tile)}`;
    const bytes = await readObject(bucket, key);
    if (bytes === undefined) throw new Error(`R2 has no ${key}: verify the storage, which rebuilds it`);
    return bytes;
  };
}
