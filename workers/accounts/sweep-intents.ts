import { chainHead } from "../../shared/chain-head.ts";
import type { IntentsEnv } from "../../shared/intents.ts";
import type { Log } from "../../shared/log.ts";
import { r2Keys, txIdOfIntentKey } from "../../shared/storage/layout.ts";
import { chunks } from "../../shared/storage/limits.ts";
import { readPendingMetadata } from "../../shared/storage/pending.ts";
import { sweepNext, type SweptFolder } from "../../shared/sweep.ts";

const FOLDER: SweptFolder = { name: "intents", prefix: r2Keys.intentPrefix, atOnce: 1_000 };
const ASK_AT_ONCE = 500;

/**
 * Tells the chain head of the next objects in `intents/`: one that was written just before a crash, or that a restored chain
 * head has forgotten, is registered now. Those that are admitted, so that `pending/` has them, or that have expired, are
 * deleted. Each run goes on where the last one stopped, so its work does not grow with what waits for its payment.
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
  const standings = await chainHead(env).awaitPayment(intents);
  const over = intents.filter((_, i) => standings[i] !== "awaiting_payment" && standings[i] !== "paid");
  if (over.length === 0) return;
  await env.R2.delete(over.map(({ txId }) => r2Keys.intent(txId)));
  log.info("sweep.intents_deleted", { count: over.length });
}
