import type { Stripe } from "stripe";
import { transactionBytes } from "../../shared/chain/transaction.ts";
import { canonicalBytes } from "../../shared/crypto/canonical.ts";
import { json } from "../../shared/http/answer.ts";
import { readText } from "../../shared/http/body.ts";
import { IGNORED_HEADER } from "../../shared/http/ignored-header.ts";
import { Problem, type ProblemSlug } from "../../shared/http/problems.ts";
import { errorText, type Log } from "../../shared/log.ts";
import type { PendingTransaction } from "../../shared/messages.ts";
import { QUEUE_MESSAGE_BYTES } from "../../shared/storage/limits.ts";
import type { WebhookAnswer } from "../../shared/stripe/answer.ts";
import { classify } from "../../shared/stripe/classify.ts";
import { MAX_EVENT_BYTES } from "../../shared/stripe/limits.ts";
import { StripeRefusal, type StripeRefusalReason } from "../../shared/stripe/refusal.ts";
import { toTransaction } from "../../shared/stripe/to-transaction.ts";
import { verifyStripeEvent } from "../../shared/stripe/verify.ts";
import { settingsOf, type Env, type Settings } from "./env.ts";

/** Verifies, makes a transaction, encrypts, enqueues. 200 only after the queue has it; what is not for us changes nothing. */
export async function ingest(request: Request, env: Env, log: Log): Promise<Response> {
  const settings = await settingsOf(env);
  const rawBody = await readText(request, MAX_EVENT_BYTES);
  try {
    const event = await verifyStripeEvent({
      rawBody,
      signatureHeader: request.headers.get("stripe-signature"),
      secrets: settings.secrets,
      now: Date.now(),
    });
    return await take(event, settings, env, log);
  } catch (error) {
    if (!(error instanceof StripeRefusal)) throw error;
    log.warn("webhook.refused", { reason: error.reason });
    throw new Problem(PROBLEM_OF[error.reason], error.message, { members: { reason: error.reason } });
  }
}

async function take(event: Stripe.Event, settings: Settings, env: Env, log: Log): Promise<Response> {
  const decision = classify(event, settings);
  if (decision.kind === "ignored") {
    log.info("webhook.ignored", { eventType: event.type, reason: decision.reason });
    return json({ received: true, ignored: decision.reason } satisfies WebhookAnswer, {
      headers: { [IGNORED_HEADER]: decision.reason },
    });
  }
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const { txId, payload } = toTransaction(event, decision, { salt });
  const { transaction } = payload;
  const message: PendingTransaction = {
    v: 1,
    txId,
    timestamp: transaction.timestamp,
    size: transactionBytes(transaction).length,
    ...(transaction.type === "payment" && transaction.data.pays && { pays: transaction.data.pays }),
    paid: true,
    envelope: await settings.encryptionKey.seal(txId, canonicalBytes(payload)),
  };
  await enqueue(env, message, log);
  log.info("webhook.accepted", { txId, type: transaction.type, eventType: event.type });
  return json({ received: true, txId, type: transaction.type } satisfies WebhookAnswer);
}

async function enqueue(env: Env, message: PendingTransaction, log: Log): Promise<void> {
  const size = JSON.stringify(message).length;
  if (size > QUEUE_MESSAGE_BYTES)
    throw new Error(
      `the encrypted transaction has ${size} bytes, a queue message at most ${QUEUE_MESSAGE_BYTES}`,
    );
  try {
    await env.PENDING_WRITER_QUEUE.send(message);
  } catch (error) {
    log.error("webhook.queue_refused", { txId: message.txId, error: errorText(error) });
    throw new Problem(
      "queue-unavailable",
      "The queue did not take the event. Deliver it again; repeats are harmless.",
      {
        headers: { "retry-after": "30" },
      },
    );
  }
}

const PROBLEM_OF: Record<StripeRefusalReason, ProblemSlug> = {
  missing_signature: "invalid-signature",
  malformed_signature: "invalid-signature",
  bad_signature: "invalid-signature",
  stale_timestamp: "invalid-signature",
  future_timestamp: "invalid-signature",
  not_json: "invalid-body",
  thin_event: "unsupported-event",
  unreadable_event: "unsupported-event",
};
