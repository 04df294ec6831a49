/** One purchase emits events of several families; only one of them becomes a transaction. */
export const EVENT_FAMILIES = ["checkout", "payment_intent", "invoice"] as const;
export type EventFamily = (typeof EVENT_FAMILIES)[number];

/**
 * One refund emits events of two families; only one of them becomes a transaction. `charge`: `charge.refunded`, which every
 * API version sends but which does not carry the refund. `refund`: `refund.created` and its kin, which carry it.
 */
export const REFUND_FAMILIES = ["charge", "refund"] as const;
export type RefundFamily = (typeof REFUND_FAMILIES)[number];

/** Why an event is answered 200 and not taken. Shown in the answer, logged and counted. */
export const IGNORED_REASONS = [
  "not_paid_yet", // a delayed payment method: async_payment_succeeded will follow
  "payment_failed",
  "setup_mode", // a saved payment method, not a payment
  "not_captured", // an authorisation was released: nothing had been paid
  "not_refunded_yet", // the buyer has to act first: refund.updated will follow
  "other_family", // the same purchase or refund is taken from an event of STRIPE_EVENT_FAMILY or STRIPE_REFUND_FAMILY
  "other_mode", // a test event where STRIPE_LIVEMODE wants live ones, or the reverse
  "other_type",
] as const;
export type IgnoredReason = (typeof IGNORED_REASONS)[number];

/** What the private part needs, the same for every family. Amounts are integers in the currency's minor unit. */
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
  /** The purchase's `source`; undefined where the event does not tell it. */
  purchase: string | undefined;
  /** The refund's own id, where the event carries it. */
  refundId: string | undefined;
  /** The charge, where the event's object is the refund. */
  charge: string | undefined;
  facts: PaymentFacts;
}

/** `facts.amount` is this refund's, where the event tells it. */
export interface Refund extends OfRefund {
  kind: "refund";
  source: string;
  /** The charge's refunds in all, so far, where the event tells it. */
  amountRefunded: number | undefined;
}

/** A refund did not reach the buyer, or was cancelled. */
interface RefundFailure extends OfRefund {
  kind: "refund_failure";
  source: string;
  /** The refund's `source`; undefined where the event does not tell it. */
  refund: string | undefined;
  failureReason: string | undefined;
}

export interface Ignored {
  kind: "ignored";
  reason: IgnoredReason;
}

export type Taken = Purchase | Refund | RefundFailure;
export type Decision = Taken | Ignored;
