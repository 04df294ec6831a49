import * as v from "valibot";
import { BlockNumber } from "../../../shared/chain/block.ts";
import { blockNumberOfSealedKey, kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import { r2Pages } from "../../../shared/storage/pages.ts";
import type { Env } from "../env.ts";
import { tallyBlocks } from "./list-blocks.ts";

/** The length of a chain according to storage; nothing of it is verified. */
export interface Extent {
  /** The highest block in R2 or KV, in staging, or named by `vdc:latest`; -1 when there is none. */
  readonly highest: number;
  /** Number of the block that `vdc:latest` names; -1 when it names none. */
  readonly publishedThrough: number;
  /** Numbers of blocks with staged bytes: they are signed, and not known to be finished. */
  readonly staged: readonly number[];
}

/** Reads the extent from storage. `unclear` says why it can't be determined. */
export async function readExtent(env: Env): Promise<Extent | { readonly unclear: string }> {
  const [{ kv, r2 }, latest, staged] = await Promise.all([
    tallyBlocks(env),
    env.KV.get(kvKeys.latest),
    stagedBlocks(env.R2),
  ]);
  const publishedThrough = latest === null ? -1 : blockNumberIn(latest);
  if (publishedThrough === undefined)
    return {
      unclear: `${kvKeys.latest} in KV can't be read, so nobody can tell where the chain ended. Look at it; if it is rubbish, delete it and ask again`,
    };
  const highest = Math.max(kv.highest, r2.highest, publishedThrough, ...staged);
  return { highest, publishedThrough, staged };
}

const LatestPointer = v.object({ blockNumber: BlockNumber });

function blockNumberIn(latest: string): number | undefined {
  try {
    return v.parse(LatestPointer, JSON.parse(latest)).blockNumber;
  } catch {
    return undefined; // the caller reports it as unclear
  }
}

async function stagedBlocks(bucket: R2Bucket): Promise<readonly number[]> {
  const numbers = new Set<number>();
  for await (const objects of r2Pages(bucket, { prefix: r2Keys.allSealedPrefix }))
    for (const { key } of objects) {
      const number = blockNumberOfSealedKey(key);
      if (number !== undefined) numbers.add(number);
    }
  return [...numbers];
}
