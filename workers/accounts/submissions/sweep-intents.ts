import { chainHead } from "../../../shared/objects/chain-head.ts";
import type { IntentsEnv } from "../../../shared/operations/release-intents.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { r2Keys, txIdOfIntentKey } from "../../../shared/storage/layout.ts";
import { chunks } from "../../../shared/storage/limits.ts";
import { readPendingMetadata } from "../../../shared/storage/pending.ts";
import { sweepNext, type SweptFolder } from "../../../shared/operations/sweep.ts";

const FOLDER: SweptFolder = { name: "intents", prefix: r2Keys.intentPrefix, atOnce: 1_000 };
const ASK_AT_ONCE = 500;

/**
 * Registers the next objects of `intents/` with the chain head: a crash may have left one unregistered, or a restored chain head
 * may have forgotten it. Deletes the object of a submission that is admitted, because `pending/` has it, or expired. Each run
 * continues where the last one stopped, so its work does not grow with the number of waiting submissions.
 */
export async function sweepIntents(env: IntentsEnv, log: Log): Promise<void> {
  const { intents: place } = await chainHead(env).sweepPlaces();
  await sweepNext(FOLDER, place, env, async (objects) => {
    for (const some of chunks(objects, ASK_AT_ONCE)) await sweepListed(some, env, log);
  });
}

async function sweepListed(objects: readonly R2Object[], env: IntentsEnv, log: Log): Promise<void> {
  const intents = objects.flatMap(({ key, customMetadata, uploaded }) => {
    const txId = txIdOfIntentKey(key);
    const facts = readPendingMetadata(customMetadata);
    if (txId !== undefined && facts !== undefined)
      return [{ txId, ...facts, receivedAt: uploaded.getTime() }];
    log.warn("sweep.foreign_object", { key });
    return [];
  });
  const states = await chainHead(env).awaitPayment(intents);
  const over = intents.filter((_, i) => states[i] !== "awaiting_payment" && states[i] !== "paid");
  if (over.length === 0) return;
  await env.R2.delete(over.map(({ txId }) => r2Keys.intent(txId)));
  log.info("sweep.intents_deleted", { count: over.length });
}
