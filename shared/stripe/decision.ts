/** One purchase emits events of several families; only one of them becomes a transaction. */
export const EVENT_FAMILIES = ["checkout", "payment_intent", "invoice"] as const;
export type EventFamily = (typeof EVENT_FAMILIES)[number];

/** Why an event is answered 200 and not taken. Shown in the answer, logged and counted. */
export const IGNORED_REASONS = [
  "not_paid_yet", // a delayed payment method: async_payment_succeeded will follow
  "payment_failed",
  "setup_mode", // a saved payment method, not a payment
  "not_captured", // an authorisation was released: nothing had been paid
  "other_family", // the same purchase is taken from STRIPE_EVENT_FAMILY's event
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

export interface Purchase {
  kind: "purchase";
  facts: PaymentFacts;
}

/** `facts` are the charge's; their `amount` is this refund's, where the event tells it. */
export interface Refund {
  kind: "refund";
  /** The refund's id, or `<charge>:refunded:<amount refunded so far>` where the event does not carry it. */
  refundId: string;
  amountRefunded: number;
  facts: PaymentFacts;
}

export interface Ignored {
  kind: "ignored";
  reason: IgnoredReason;
}

export type Decision = Purchase | Refund | Ignored;
