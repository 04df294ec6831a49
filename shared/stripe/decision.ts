/** A purchase emits events of several families; VDC makes a transaction from one family only. */
export const EVENT_FAMILIES = ["checkout", "payment_intent", "invoice"] as const;
export type EventFamily = (typeof EVENT_FAMILIES)[number];

/**
 * A refund emits events of two families; VDC makes a transaction from one family only. `charge`: `charge.refunded`, which
 * every API version sends but which does not hold the refund. `refund`: the `refund.*` events, which hold it.
 */
export const REFUND_FAMILIES = ["charge", "refund"] as const;
export type RefundFamily = (typeof REFUND_FAMILIES)[number];

/** Why an event is answered 200 and makes no transaction. Shown in the answer, logged and counted. */
export const IGNORED_REASONS = [
  "not_paid_yet", // a delayed payment method: checkout.session.async_payment_succeeded will follow
  "payment_failed",
  "setup_mode", // a saved payment method, not a payment
  "not_captured", // an authorisation was released before anything was paid
  "not_refunded_yet", // the buyer has to act first: refund.updated will follow
  "other_family", // another event, of STRIPE_EVENT_FAMILY or STRIPE_REFUND_FAMILY, carries the same purchase or refund
  "other_mode", // a test event where STRIPE_LIVEMODE wants live ones, or the reverse
  "other_type",
] as const;
export type IgnoredReason = (typeof IGNORED_REASONS)[number];

/** Header by which `ingest-webhook` reports an ignored event to the gateway, which counts it. */
export const IGNORED_HEADER = "x-vdc-ignored";

/** Facts for the private part, the same for every family. Amounts are integers in the currency's minor unit. */
export interface PaymentFacts {
  objectId: string;
  paymentIntent?: string | null | undefined;
  customer?: string | null | undefined;
  amount?: number | null | undefined;
  currency?: string | null | undefined;
  paymentStatus?: string | null | undefined;
  customerEmail?: string | null | undefined;
  customerName?: string | null | undefined;
  clientReferenceId?: string | null | undefined;
  metadata: { readonly [name: string]: string };
}

/** `source` of each decision: the id at Stripe that the transaction's id is derived from, the same in every API version. */
export interface Purchase {
  kind: "purchase";
  source: string;
  facts: PaymentFacts;
}

interface OfRefund {
  /** The purchase's `source`; undefined when the event does not hold it. */
  purchase: string | undefined;
  /** The refund's own id, if the event holds it. */
  refundId: string | undefined;
  /** The charge, if the event's object is the refund. */
  charge: string | undefined;
  facts: PaymentFacts;
}

/** `facts.amount` is the amount of this refund, if the event holds it. */
export interface Refund extends OfRefund {
  kind: "refund";
  source: string;
  /** The total of the charge's refunds so far, if the event holds it. */
  amountRefunded: number | undefined;
}

/** A refund did not reach the buyer, or was cancelled. */
interface RefundFailure extends OfRefund {
  kind: "refund_failure";
  source: string;
  /** The refund's `source`; undefined when the event does not hold it. */
  refund: string | undefined;
  failureReason: string | undefined;
}

export interface Ignored {
  kind: "ignored";
  reason: IgnoredReason;
}

export type MoneyMovement = Purchase | Refund | RefundFailure;
export type Decision = MoneyMovement | Ignored;
