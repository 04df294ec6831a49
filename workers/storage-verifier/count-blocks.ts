import { errorText, type Log } from "../../shared/log.ts";
import { storageRuns, type Env } from "./env.ts";
import { pinnerOf } from "../../shared/storage/tiers.ts";
import { tallyBlocks } from "./list-blocks.ts";

/**
 * How many blocks each tier lists: they should be equal. For the metrics, since listing everything costs too much for
 * each scrape. Tiers that can't be counted are no reason to leave undone what comes after.
 */
export async function countBlocks(env: Env, log: Log): Promise<void> {
  try {
    const [{ kv, r2 }, ipfs] = await Promise.all([
      tallyBlocks(env),
      pinnerOf(env).count({ chainId: env.CHAIN_ID }),
    ]);
    await storageRuns(env).noteCounts({ kv: kv.count, r2: r2.count, ipfs });
  } catch (error) {
    log.error("count.failed", { error: errorText(error) }); // the count before stands, with its time
  }
}
