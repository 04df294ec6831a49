import { storageRuns, type Env } from "./env.ts";
import { pinnerOf } from "../../shared/storage/tiers.ts";
import { tallyBlocks } from "./list-blocks.ts";

/** How many blocks each tier lists: they should be equal. For the metrics, as listing everything costs too much to be done for each of them. */
export async function countBlocks(env: Env): Promise<void> {
  const [{ kv, r2 }, ipfs] = await Promise.all([
    tallyBlocks(env),
    pinnerOf(env).count({ chainId: env.CHAIN_ID }),
  ]);
  await storageRuns(env).noteCounts({ kv: kv.count, r2: r2.count, ipfs });
}
