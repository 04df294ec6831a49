import { readTokenMetadata } from "../../../shared/storage/activation-tokens.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { hexByChance, r2Portion } from "../../../shared/storage/pages.ts";
import type { Env } from "../env.ts";

/** Time for which an expired unused token stays, so that a late user is told that it has expired. */
export const KEPT_AFTER_EXPIRY_MS = 30 * 86_400_000;

const LOOK_AT_ONCE = 1_000;

/**
 * Deletes tokens that expired unused. Used ones stay as the record of which token registered which user. A run looks at a portion
 * from a random place: the keys are hashes, so all get their turn, however many used ones there are.
 * @param place where the portion begins, in lower-case hex
 */
export async function sweepActivations(
  env: Pick<Env, "R2">,
  log: Log,
  place = hexByChance(),
  now = Date.now(),
): Promise<void> {
  const objects = await r2Portion(env.R2, {
    prefix: r2Keys.activationPrefix,
    place,
    most: LOOK_AT_ONCE,
    include: ["customMetadata"],
  });
  const over = objects.filter(({ key, customMetadata }) => {
    const facts = readTokenMetadata(customMetadata);
    if (facts === undefined) log.warn("sweep.foreign_object", { key });
    return facts !== undefined && facts.usedBy === undefined && now - facts.expiresAt > KEPT_AFTER_EXPIRY_MS;
  });
  const keys = over.map(({ key }) => key);
  if (keys.length === 0) return;
  await env.R2.delete(keys);
  log.info("sweep.activations_deleted", { count: keys.length });
}
