import type { BlockMetadata } from "../../../shared/storage/kv-tier.ts";
import { blockNumberOfKvKey, blockNumberOfR2Key, kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import { mapConnections } from "../../../shared/storage/limits.ts";
import { kvPages, r2Pages } from "../../../shared/storage/pages.ts";
import type { Env } from "../env.ts";
import type { Listing } from "./listing-plan.ts";

/**
 * Calls `show` for every block that KV lists. It keeps nothing, because a chain of a million blocks would not fit into memory.
 */
export async function listKv(
  plan: readonly Listing[],
  kv: KVNamespace,
  show: (blockNumber: number, metadata: BlockMetadata | undefined) => void,
): Promise<void> {
  await mapConnections(plan, async ({ digits, all }) => {
    const options = { prefix: kvKeys.blockPrefix + digits, limit: all ? 1_000 : 1 };
    for await (const keys of kvPages<BlockMetadata>(kv, options)) {
      for (const { name, metadata } of keys) {
        const number = blockNumberOfKvKey(name);
        if (number !== undefined) show(number, metadata);
      }
      if (!all) break;
    }
  });
}

/** Like `listKv`, for R2. */
export async function listR2(
  plan: readonly Listing[],
  bucket: R2Bucket,
  show: (blockNumber: number) => void,
): Promise<void> {
  await mapConnections(plan, async ({ digits, all }) => {
    const options = { prefix: r2Keys.blockPrefix + digits, limit: all ? 1_000 : 1 };
    for await (const objects of r2Pages(bucket, options)) {
      for (const { key } of objects) {
        const number = blockNumberOfR2Key(key);
        if (number !== undefined) show(number);
      }
      if (!all) break;
    }
  });
}

/** Number of blocks that a tier lists, and the highest of them; -1 when there is none. */
export interface Tally {
  count: number;
  highest: number;
}

/** Counts all blocks that KV and R2 list, whatever the chain head knows. */
export async function tallyBlocks(
  env: Pick<Env, "KV" | "R2">,
): Promise<{ readonly kv: Readonly<Tally>; readonly r2: Readonly<Tally> }> {
  const everything = [{ digits: "", all: true }];
  const [kv, r2] = [emptyTally(), emptyTally()];
  await Promise.all([
    listKv(everything, env.KV, (number) => add(kv, number)),
    listR2(everything, env.R2, (number) => add(r2, number)),
  ]);
  return { kv, r2 };
}

function emptyTally(): Tally {
  return { count: 0, highest: -1 };
}

function add(tally: Tally, blockNumber: number): void {
  tally.count++;
  tally.highest = Math.max(tally.highest, blockNumber);
}
