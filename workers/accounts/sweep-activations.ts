import { readTokenMetadata } from "../../shared/activation.ts";
import type { Log } from "../../shared/log.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { chunks, R2_DELETE_KEYS } from "../../shared/storage/limits.ts";
import type { Env } from "./env.ts";

/** How long an unused token stays after its end: so that whoever comes late hears that it has expired. Milliseconds. */
export const KEPT_AFTER_EXPIRY = 30 * 86_400_000;

/**
 * Deletes tokens that expired unused; used ones stay, as the trace of who came in by which. At most two pages a run, from
 * a place by chance: keys are hashes, so that all of them get their turn, however many used ones there are.
 * @param from lower-case hex
 */
export async function sweepActivations(
  env: Pick<Env, "R2">,
  log: Log,
  from = crypto.randomUUID().slice(0, 8),
  now = Date.now(),
): Promise<void> {
  const prefix = r2Keys.activationPrefix;
  const page: R2ListOptions = { prefix, include: ["customMetadata"] };
  const after = await env.R2.list({ ...page, startAfter: `${prefix}${from}` });
  const before = after.truncated ? [] : (await env.R2.list(page)).objects;
  const over = [...after.objects, ...before].filter(({ key, customMetadata }) => {
    const facts = readTokenMetadata(customMetadata);
    if (facts === undefined) log.warn("sweep.foreign_object", { key });
    return facts !== undefined && facts.usedBy === undefined && now - facts.expiresAt > KEPT_AFTER_EXPIRY;
  });
  const keys = [...new Set(over.map(({ key }) => key))];
  for (const some of chunks(keys, R2_DELETE_KEYS)) await env.R2.delete(some);
  if (keys.length > 0) log.info("sweep.activations_deleted", { count: keys.length });
}
