import { leafHash } from "../../../shared/chain/merkle.ts";
import { newTiles, type TileReader } from "../../../shared/tlog/tile-tree.ts";
import { tilePath } from "../../../shared/tlog/tiles.ts";

export interface MemoryTiles {
  /** Every tile that was ever written, by its path. */
  readonly stored: Map<string, Uint8Array>;
  /** Paths in the order of the reads. */
  readonly reads: string[];
  readonly read: TileReader;
  /** Adds entries to a log of `size` entries. */
  readonly add: (size: number, entries: readonly Uint8Array[]) => Promise<void>;
}

/** A log's tiles in memory, written as the Worker `checkpointer` writes them. */
export function memoryTiles(): MemoryTiles {
  const stored = new Map<string, Uint8Array>();
  const reads: string[] = [];
  const read: TileReader = async (tile) => {
    const path = tilePath(tile);
    reads.push(path);
    const bytes = stored.get(path);
    if (bytes === undefined) throw new Error(`there is no ${path}`);
    return bytes;
  };
  return {
    stored,
    reads,
    read,
    async add(size, entries) {
      for (const { bytes, ...tile } of await newTiles(size, entries.map(leafHash), read))
        stored.set(tilePath(tile), bytes);
    },
  };
}
