import { expect } from "vitest";
import { grantOf } from "../../../shared/chain/grant.ts";
import { transactionBytes, type PendingPayload } from "../../../shared/chain/transaction.ts";
import { canonicalBytes } from "../../../shared/crypto/canonical.ts";
import { parseEncryptionPublicKey } from "../../../shared/crypto/keyring.ts";
import type { PendingTransaction } from "../../../shared/queue/messages.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { pendingMetadata } from "../../../shared/storage/pending.ts";
import { classify } from "../../../shared/stripe/classify.ts";
import type { SyntheticEvent } from "../../../cli/local/stripe/synthetic.ts";
import { StripeEvent, read } from "../../../shared/stripe/event.ts";
import { toTransaction } from "../../../shared/stripe/to-transaction.ts";
import { purchase } from "./payments.ts";
import type { Pipeline } from "../stack/pipeline.ts";
import { deliverTo } from "../stack/queues.ts";

/** Makes the payload that ingest-webhook encrypts for a paid checkout. */
export function payloadOf(event: SyntheticEvent = purchase()): PendingPayload {
  const stripeEvent = read(StripeEvent, event, "event");
  const decision = classify(stripeEvent, { family: "checkout", refundFamily: "charge", livemode: undefined });
  if (decision.kind === "ignored") throw new Error(`the event would be ignored: ${decision.reason}`);
  const salt = crypto.getRandomValues(new Uint8Array(32));
  return toTransaction(stripeEvent, decision, { salt }).payload;
}

/**
 * Makes the queue message of a payload, sealed to the system's key, as ingest-webhook sends it.
 * @param options.txId the id outside the envelope, if it differs from the transaction's own
 * @param options.publicKey base64url of the key to seal to, if it is not the system's
 */
export async function seal(
  pipeline: Pipeline,
  payload: PendingPayload,
  options: { txId?: string; publicKey?: string } = {},
): Promise<PendingTransaction> {
  const { transaction } = payload;
  const { txId = transaction.id, publicKey = pipeline.secrets.SYSTEM_ENCRYPTION_PUBLIC_KEY } = options;
  const key = await parseEncryptionPublicKey(publicKey);
  const grants = grantOf(transaction);
  return {
    v: 1,
    txId,
    timestamp: transaction.timestamp,
    size: transactionBytes(transaction).length,
    ...(transaction.type === "payment" && transaction.data.pays && { pays: transaction.data.pays }),
    ...(grants !== undefined && { grants }),
    envelope: await key.seal(txId, canonicalBytes(payload)),
  };
}

/** Puts a message's object into `pending/` without `admit`, as if pending-writer had crashed in between. */
export async function writeUnseen({ r2 }: Pipeline, message: PendingTransaction): Promise<void> {
  const { txId, envelope } = message;
  const customMetadata = pendingMetadata(message);
  await r2.put(r2Keys.pending(txId), canonicalBytes(envelope), { customMetadata });
}

/** Makes a payment pending without the queue, which may hold a batch back for seconds. @returns its id */
export async function submit(pipeline: Pipeline, event?: SyntheticEvent): Promise<string> {
  const body = await seal(pipeline, payloadOf(event));
  const { acked } = await deliverTo(pipeline, "pending-writer", [{ body }]);
  expect(acked).toHaveLength(1);
  return body.txId;
}
