import { chainHead } from "../../shared/objects/chain-head.ts";
import { entryBundle } from "../../shared/tlog/entries.ts";
import { TILE_WIDTH } from "../../shared/tlog/tiles.ts";
import type { Env } from "./env.ts";
import type { GrownLog } from "./grow-log.ts";
import { readEntries } from "../../shared/storage/read-entries.ts";

/** A full entry bundle of the log of transactions. */
export interface FullBundle {
  readonly index: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Makes the entry bundles that the new transactions fill up. The first of them begins with transactions of earlier blocks, at
 * most 255, which are read again.
 * @param size number of transactions before
 */
export async function filledBundles(
  env: Env,
  { tiles }: GrownLog,
  size: number,
  added: readonly Uint8Array[],
): Promise<readonly FullBundle[]> {
  const bundles: FullBundle[] = [];
  for (const { level, index, width } of tiles) {
    if (level !== 0 || width < TILE_WIDTH) continue;
    const first = index * TILE_WIDTH;
    const earlier = first < size ? await entriesBetween(env, first, size) : [];
    const from = Math.max(0, first - size);
    const entries = [...earlier, ...added.slice(from, first + TILE_WIDTH - size)];
    if (entries.length !== TILE_WIDTH) throw new Error(`entry bundle ${index} has ${entries.length} entries`);
    bundles.push({ index, bytes: entryBundle(entries) });
  }
  return bundles;
}

async function entriesBetween(env: Env, first: number, end: number): Promise<readonly Uint8Array[]> {
  const blocks = await chainHead(env).blocksOfEntries(first, end);
  const [holder] = blocks;
  if (holder === undefined) throw new Error(`no published block holds transaction ${first}`);
  const entries = (await readEntries(env.R2, blocks)).flat();
  return entries.slice(first - holder.firstEntry, end - holder.firstEntry);
}
