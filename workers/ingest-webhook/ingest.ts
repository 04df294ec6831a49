import { transactionBytes } from "../../shared/chain/transaction.ts";
import { canonicalBytes } from "../../shared/crypto/canonical.ts";
import { json } from "../../shared/http/answer.ts";
import { readText } from "../../shared/http/body.ts";
import { Problem, type ProblemSlug } from "../../shared/http/problems.ts";
import { errorText, type Log } from "../../shared/runtime/log.ts";
import type { PendingTransaction } from "../../shared/queue/messages.ts";
import { QUEUE_MESSAGE_BYTES } from "../../shared/storage/limits.ts";
import type { WebhookAnswer } from "../../shared/api/webhook.ts";
import { classify, unwantedReason } from "../../shared/stripe/classify.ts";
import { IGNORED_HEADER, type IgnoredReason } from "../../shared/stripe/decision.ts";
import { MAX_EVENT_BYTES, type StripeEvent } from "../../shared/stripe/event.ts";
import { fetchEvent, StripeCallFailed } from "../../shared/stripe/fetch-event.ts";
import { StripeRefusal, type StripeRefusalReason } from "../../shared/stripe/refusal.ts";
import { snapshotType, type ThinEvent } from "../../shared/stripe/thin.ts";
import { toTransaction } from "../../shared/stripe/to-transaction.ts";
import { verifyStripeEvent } from "../../shared/stripe/verify.ts";
import { settingsOf, type Env, type StripeSettings } from "./env.ts";

/**
 * Verifies an event, makes a transaction, encrypts it and enqueues it. It answers 200 only after the queue has the message. An
 * event that is not for this deployment changes nothing.
 */
export async function ingest(request: Request, env: Env, log: Log): Promise<Response> {
  const settings = await settingsOf(env);
  const rawBody = await readText(request, MAX_EVENT_BYTES);
  try {
    const delivered = await verifyStripeEvent({
      rawBody,
      signatureHeader: request.headers.get("stripe-signature"),
      secrets: settings.secrets,
      now: Date.now(),
    });
    return await (delivered.kind === "thin"
      ? takeThin(delivered.event, settings, env, log)
      : take(delivered.event, settings, env, log));
  } catch (error) {
    if (error instanceof StripeCallFailed) throw notFetched(error, log);
    if (!(error instanceof StripeRefusal)) throw error;
    log.warn("webhook.refused", { reason: error.reason });
    throw new Problem(PROBLEM_OF[error.reason], error.message, { members: { reason: error.reason } });
  }
}

async function takeThin(thin: ThinEvent, settings: StripeSettings, env: Env, log: Log): Promise<Response> {
  const type = snapshotType(thin);
  const unwanted = unwantedReason({ type, livemode: thin.livemode }, settings);
  if (unwanted !== undefined) return ignoredAnswer(type, unwanted, log);
  if (settings.api === undefined)
    throw new StripeRefusal(
      "thin_event",
      "This is a thin event, which names an object but does not carry it. Set STRIPE_API_KEY of ingest-webhook to a " +
        "restricted key that may read events, or the event destination's payload style to snapshot.",
    );
  return take(await fetchEvent(thin, settings.api), settings, env, log);
}

function ignoredAnswer(eventType: string, reason: IgnoredReason, log: Log): Response {
  log.info("webhook.ignored", { eventType, reason });
  return json({ received: true, ignored: reason } satisfies WebhookAnswer, {
    headers: { [IGNORED_HEADER]: reason },
  });
}

async function take(event: StripeEvent, settings: StripeSettings, env: Env, log: Log): Promise<Response> {
  const decision = classify(event, settings);
  if (decision.kind === "ignored") return ignoredAnswer(event.type, decision.reason, log);
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

function notFetched({ what, status = 0, message }: StripeCallFailed, log: Log): Problem {
  log.error("webhook.event_not_fetched", { error: message, status });
  return what === "key"
    ? new Problem(
        "not-configured",
        "ingest-webhook: Stripe refuses STRIPE_API_KEY. Set a restricted key of this account and mode that may read " +
          "events. Nothing was taken in; Stripe will deliver again.",
        { headers: { "retry-after": "60" } },
      )
    : new Problem(
        "unavailable",
        "Stripe did not give the event that this thin event stands for. Nothing was taken in; deliver it again.",
        { headers: { "retry-after": "30" } },
      );
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
  event_not_found: "unsupported-event",
  unreadable_event: "unsupported-event",
};
