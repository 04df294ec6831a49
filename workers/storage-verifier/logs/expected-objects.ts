import { leafHash, merkleRoot } from "../../../shared/chain/merkle.ts";
import { concat, fromHex } from "../../../shared/crypto/bytes.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { mapConnections } from "../../../shared/storage/limits.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import { NotAsSealed, readEntries } from "../../../shared/storage/read-entries.ts";
import { entryBundle } from "../../../shared/tlog/entries.ts";
import { entriesPath, HASH_BYTES, TILE_WIDTH, tilePath, type Tile } from "../../../shared/tlog/tiles.ts";
import type { LogName } from "../../checkpointer/log-head/cosignatures.ts";
import type { Env } from "../env.ts";
import { knownBlocks } from "../verify/known-blocks.ts";

/** An object of a log. `bytes` is undefined while the bytes from which it is made are missing or wrong. */
export interface ExpectedObject {
  readonly key: string;
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

export function prefixOf(log: LogName): string {
  return log === "blocks" ? r2Keys.logPrefix : r2Keys.transactionLogPrefix;
}

/**
 * Makes a tile anew: at level 0 from the chain, above it from the 256 tiles below each hash. A full tile of the log of
 * transactions comes with its entry bundle.
 */
export async function expectedObjects(log: LogName, tile: Tile, env: Env): Promise<ExpectedObject[]> {
  const prefix = prefixOf(log);
  const key = `${prefix}${tilePath(tile)}`;
  if (tile.level > 0) return [{ key, bytes: await fromTilesBelow(prefix, tile, env) }];
  if (log === "blocks") return [{ key, bytes: hashTile(await blockHashes(tile, env)) }];
  const entries = await transactionsOf(tile, env);
  const objects = [{ key, bytes: entries && hashTile(entries) }];
  if (tile.width === TILE_WIDTH)
    objects.push({ key: `${prefix}${entriesPath(tile)}`, bytes: entries && entryBundle(entries) });
  return objects;
}

function hashTile(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concat(...entries.map(leafHash));
}

async function blockHashes({ index, width }: Tile, env: Env): Promise<readonly Uint8Array[]> {
  const first = index * TILE_WIDTH;
  const blocks = await knownBlocks(env, first, first + width);
  if (blocks.length !== width)
    throw new Error(`the chain head does not know all blocks ${first} to ${first + width - 1}`);
  return blocks.map(({ hash }) => fromHex(hash));
}

/** `undefined` when R2 does not hold a block of the tile as it was sealed. */
async function transactionsOf({ index, width }: Tile, env: Env): Promise<Uint8Array[] | undefined> {
  const first = index * TILE_WIDTH;
  const blocks = await chainHead(env).blocksOfEntries(first, first + width);
  const [holder] = blocks;
  if (holder === undefined) throw new Error(`the chain head knows no block with transaction ${first}`);
  try {
    const entries = (await readEntries(env.R2, blocks)).flat();
    return entries.slice(first - holder.firstEntry, first + width - holder.firstEntry);
  } catch (error) {
    if (error instanceof NotAsSealed) return undefined;
    throw error;
  }
}

/** `undefined` when a tile below is missing or is no full tile. */
async function fromTilesBelow(
  prefix: string,
  { level, index, width }: Tile,
  env: Env,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const below = Array.from({ length: width }, (_, i) => index * TILE_WIDTH + i);
  const hashes = await mapConnections(below, async (child) => {
    const key = `${prefix}${tilePath({ level: level - 1, index: child, width: TILE_WIDTH })}`;
    const bytes = await readObject(env.R2, key);
    if (bytes?.length !== TILE_WIDTH * HASH_BYTES) return undefined;
    return merkleRoot(
      Array.from({ length: TILE_WIDTH }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
    );
  });
  const known = hashes.flatMap((hash) => hash ?? []);
  return known.length === width ? concat(...known) : undefined;
}
