import type { PendingPayload } from "../../../shared/chain/transaction.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { pendingDetails, pendingMetadata } from "../../../shared/storage/pending.ts";
import { createSealed } from "../../../shared/storage/sealed-object.ts";
import type { IntentState } from "../../chain-head/decisions/intents.ts";
import { messageOf } from "./enqueue.ts";
import type { Env } from "../env.ts";

/**
 * Stores a submission that needs a payment, then registers it with the chain head. The order matters: a payment releases a
 * submission that the chain head knows, so its bytes must be durable by then. The sweep registers a submission that a crash left
 * between the two.
 * @throws Problem "body-too-large": the submission must fit the queue too, in case its payment comes late
 */
export async function keepUntilPaid(payload: PendingPayload, env: Env, log: Log): Promise<IntentState> {
  const message = await messageOf(payload, env);
  const { txId, envelope } = message;
  await createSealed(env.R2, { kind: "signed_intent", id: txId, envelope }, pendingMetadata(message));
  const intent = { txId, ...pendingDetails(message), receivedAt: Date.now() };
  const [standing] = await chainHead(env).awaitPayment([intent]);
  if (standing === undefined) throw new Error(`the chain head says nothing of ${txId}`);
  log.info("submission.kept", { txId, type: payload.transaction.type, standing });
  return standing;
}
