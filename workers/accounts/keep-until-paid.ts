import type { PendingPayload } from "../../shared/chain/transaction.ts";
import { chainHead } from "../../shared/chain-head.ts";
import type { Log } from "../../shared/log.ts";
import { pendingFacts, pendingMetadata } from "../../shared/storage/pending.ts";
import { createSealed } from "../../shared/storage/sealed-object.ts";
import type { IntentStanding } from "../chain-head/intents.ts";
import { messageOf } from "./enqueue.ts";
import type { Env } from "./env.ts";

/**
 * Makes a submission durable that has to be paid, then known to the chain head: in this order, for a payment releases what
 * the chain head knows. What a crash leaves between the two, the sweep registers.
 * @throws Problem "body-too-large": it must fit the queue too, should its payment come late
 */
export async function keepUntilPaid(payload: PendingPayload, env: Env, log: Log): Promise<IntentStanding> {
  const message = await messageOf(payload, env);
  const { txId, envelope } = message;
  await createSealed(env.R2, { kind: "signed_intent", id: txId, envelope }, pendingMetadata(message));
  const intent = { txId, ...pendingFacts(message), receivedAt: Date.now() };
  const [standing] = await chainHead(env).awaitPayment([intent]);
  if (standing === undefined) throw new Error(`the chain head says nothing of ${txId}`);
  log.info("submission.kept", { txId, type: payload.transaction.type, standing });
  return standing;
}
