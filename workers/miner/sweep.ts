import { chainHead } from "../../shared/chain-head.ts";
import type { Log } from "../../shared/log.ts";
import { r2Keys, txIdOfPendingKey } from "../../shared/storage/layout.ts";
import { chunks, R2_DELETE_KEYS } from "../../shared/storage/limits.ts";
import { r2Pages } from "../../shared/storage/pages.ts";
import { readPendingMetadata } from "../../shared/storage/pending.ts";
import type { Env } from "./env.ts";

const ADMIT_AT_ONCE = 500;

/**
 * Tells the chain head of every pending object: one that was written just before a crash is admitted now, so that
 * what is in `pending/` is always mined. Objects left over from finished blocks are cleared.
 */
export async function sweepPending(env: Env, log: Log): Promise<void> {
  const options: R2ListOptions = { prefix: r2Keys.pendingPrefix, include: ["customMetadata"] };
  for await (const objects of r2Pages(env.R2, options)) await admitListed(objects, env, log);
}

async function admitListed(objects: readonly R2Object[], env: Env, log: Log): Promise<void> {
  const entries = objects.flatMap((object) => {
    const txId = txIdOfPendingKey(object.key);
    const facts = readPendingMetadata(object.customMetadata);
    if (txId !== undefined && facts !== undefined) return [{ txId, ...facts }];
    log.warn("sweep.foreign_object", { key: object.key });
    return [];
  });
  for (const chunk of chunks(entries, ADMIT_AT_ONCE)) {
    const { results } = await chainHead(env).admit(chunk);
    const leftOver = chunk
      .filter((_, i) => results[i] === "finished")
      .map(({ txId }) => r2Keys.pending(txId));
    for (const keys of chunks(leftOver, R2_DELETE_KEYS)) await env.R2.delete(keys);
    const found = results.filter((result) => result === "admitted").length;
    if (found > 0 || leftOver.length > 0)
      log.warn("sweep.mended", { admitted: found, leftOver: leftOver.length });
  }
}
