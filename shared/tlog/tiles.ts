import { InvalidLog } from "./invalid-log.ts";

/** Hashes in a full tile, and entries in a full bundle: C2SP tlog-tiles. */
export const TILE_WIDTH = 256;
export const HASH_BYTES = 32;
const MAX_LEVEL = 63;

/** A tile: level, index and width. A width of 256 is a full tile. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** Path of a tile below the log's prefix: `tile/0/x001/x234/067`, and `.p/8` after it for a partial tile of 8 hashes. */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${indexPath(index)}${partial(width)}`;
}

/** Path of an entry bundle: `tile/entries/067.p/8`. */
export function entriesPath({ index, width }: Omit<Tile, "level">): string {
  return `tile/entries/${indexPath(index)}${partial(width)}`;
}

/**
 * Reads what stands after `tile/{level}/` or `tile/entries/`: three digits a group, all but the last with an x, and the width.
 * `undefined` for any other text, so that each tile has one path.
 */
export function parseTileIndex(path: string): Omit<Tile, "level"> | undefined {
  const match = /^((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path);
  if (match === null) return undefined;
  const [, groups = "", width = String(TILE_WIDTH)] = match;
  const index = Number(groups.replaceAll(/[x/]/g, ""));
  const tile = { index, width: Number(width) };
  const isCanonical = indexPath(index) === groups && Number.isSafeInteger(index);
  const isWidth = match[2] === undefined || tile.width < TILE_WIDTH;
  return isCanonical && isWidth ? tile : undefined;
}

/** Reads a tile's level: `undefined` unless it is a number from 0 to 63 without leading zeros. */
export function parseTileLevel(text: string): number | undefined {
  return /^(?:0|[1-9]\d?)$/.test(text) && Number(text) <= MAX_LEVEL ? Number(text) : undefined;
}

/** Hashes at a tile level of a tree of `size` leaves: ⌊size / 256^level⌋. */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** Width that the tile has in a tree of `size` leaves; 0 when the tree has no such tile. */
export function widthAt(level: number, index: number, size: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, hashesAt(level, size) - index * TILE_WIDTH));
}

/**
 * Splits a tile into its hashes.
 * @throws InvalidLog("malformed_tile") unless the bytes are `width` hashes
 */
export function tileHashes(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length !== width * HASH_BYTES)
    throw new InvalidLog(
      "malformed_tile",
      `a tile of ${width} hashes has ${width * HASH_BYTES} bytes, not ${bytes.length}`,
    );
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

function indexPath(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/\d{3}/g) ?? [];
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join("/");
}

function partial(width: number): string {
  return width === TILE_WIDTH ? "" : `.p/${width}`;
}
