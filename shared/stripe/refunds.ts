import type * as v from "valibot";
import type {
  Decision,
  EventFamily,
  Ignored,
  IgnoredReason,
  PaymentFacts,
  RefundFamily,
} from "./decision.ts";
import { Charge, PreviousCharge, read, Refund, type StripeEvent } from "./event.ts";

export interface RefundSettings {
  readonly family: EventFamily;
  readonly refundFamily: RefundFamily;
}

/** Types whose object is a refund. Stripe reports one change of a refund with several of them. */
export const REFUND_TYPES: readonly string[] = [
  "refund.created",
  "refund.updated",
  "refund.failed",
  "charge.refund.updated",
];

/**
 * Handles `charge.refunded`. No field of the charge identifies one refund in every API version: `refunds` exists in the
 * older ones only, and `amount_refunded` has the same value again when a failed refund is repeated. The event's time
 * tells these apart. The event's id would not help, because Stripe may make two events of one change.
 */
export function refundedCharge(event: StripeEvent, { family }: RefundSettings): Decision {
  const charge = read(Charge, event.data.object, "charge");
  const before = read(PreviousCharge, event.data.previous_attributes ?? {}, "charge's previous attributes");
  if (charge.captured === false || charge.amount_refunded === 0 || isCapture(before))
    return ignored("not_captured");
  const newest = charge.refunds?.data[0]; // Stripe lists the newest first
  return {
    kind: "refund",
    source: `${charge.id}:refunded:${charge.amount_refunded}:${event.created}`,
    purchase: (family === "invoice" ? charge.invoice : charge.payment_intent) ?? undefined,
    refundId: newest?.id,
    charge: undefined, // the event's object is the charge
    amountRefunded: charge.amount_refunded,
    facts: {
      objectId: charge.id,
      paymentIntent: charge.payment_intent,
      customer: charge.customer,
      amount:
        typeof before.amount_refunded === "number"
          ? charge.amount_refunded - before.amount_refunded
          : newest?.amount,
      currency: charge.currency,
      paymentStatus: charge.refunded === false ? "partially_refunded" : "refunded",
      customerEmail: charge.receipt_email ?? charge.billing_details?.email,
      customerName: charge.billing_details?.name,
      metadata: charge.metadata ?? {},
    },
  };
}

/** Up to 2025-02-24 a partial capture refunds the rest of the authorisation, which had never been paid. */
function isCapture({ captured, amount_captured }: v.InferOutput<typeof PreviousCharge>): boolean {
  return captured === false || typeof amount_captured === "number";
}

/** Handles an event whose object is a refund: a refund that was made, or one that failed. */
export function changedRefund(event: StripeEvent, { family, refundFamily }: RefundSettings): Decision {
  const refund = read(Refund, event.data.object, "refund");
  if (refund.reason === "expired_uncaptured_charge") return ignored("not_captured");
  // Stripe sends no charge.refunded for a refund without a charge.
  const isTaken = refundFamily === "refund" || typeof refund.charge !== "string";
  const common = {
    purchase: (family === "invoice" ? undefined : refund.payment_intent) ?? undefined,
    refundId: refund.id,
    charge: refund.charge ?? undefined,
    facts: factsOf(refund),
  };
  if (hasFailed(event.type, refund))
    return {
      kind: "refund_failure",
      source: `${refund.id}:failed`,
      refund: isTaken ? refund.id : undefined,
      failureReason: refund.failure_reason ?? undefined,
      ...common,
    };
  if (!isTaken) return ignored("other_family");
  if (refund.status === "requires_action") return ignored("not_refunded_yet");
  return { kind: "refund", source: refund.id, amountRefunded: undefined, ...common };
}

function hasFailed(type: string, { status }: v.InferOutput<typeof Refund>): boolean {
  return type === "refund.failed" || status === "failed" || status === "canceled";
}

function factsOf(refund: v.InferOutput<typeof Refund>): PaymentFacts {
  return {
    objectId: refund.id,
    paymentIntent: refund.payment_intent,
    customer: refund.customer,
    amount: refund.amount,
    currency: refund.currency,
    paymentStatus: refund.status,
    metadata: refund.metadata ?? {},
  };
}

function ignored(reason: IgnoredReason): Ignored {
  return { kind: "ignored", reason };
}
