import * as v from "valibot";
import { TransactionType, TxId } from "../chain/transaction.ts";
import { IGNORED_REASONS } from "../stripe/decision.ts";
import { MAX_EVENT_BYTES } from "../stripe/event.ts";
import type { Plan } from "./plan.ts";

/**
 * The answer to a delivery from Stripe that is finished: its transaction is in the queue, or the event is not for the
 * chain.
 */
export const WebhookAnswer = v.union([
  v.strictObject({ received: v.literal(true), txId: TxId, type: TransactionType }),
  v.strictObject({ received: v.literal(true), ignored: v.picklist(IGNORED_REASONS) }),
]);
export type WebhookAnswer = v.InferOutput<typeof WebhookAnswer>;

export const webhook = {
  does: "Stripe's deliveries: 200 once the queue has the event, or with `ignored` and why",
  who: "stripe",
  body: {
    contentType: "application/json",
    does: "the event, byte for byte as Stripe signed it",
    maxBytes: MAX_EVENT_BYTES,
  },
  headers: { "stripe-signature": "Stripe's signature of the body" },
  answers: { 200: WebhookAnswer },
  problems: [
    "invalid-signature",
    "unsupported-event",
    "invalid-body",
    "body-too-large",
    "queue-unavailable",
    "not-configured",
    "unavailable",
  ],
} as const satisfies Plan;
