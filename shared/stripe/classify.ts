import type * as v from "valibot";
import type { Decision, EventFamily, Ignored, IgnoredReason } from "./decision.ts";
import { CheckoutSession, Invoice, PaymentIntent, read, type StripeEvent } from "./event.ts";
import { changedRefund, REFUND_TYPES, refundedCharge, type RefundSettings } from "./refunds.ts";

export interface ClassifySettings extends RefundSettings {
  /** undefined: test and live events are both accepted. */
  readonly livemode: boolean | undefined;
}

type Rule = { family: EventFamily; decide: (object: unknown) => Decision };

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["checkout.session.completed", { family: "checkout", decide: completedSession }],
  ["checkout.session.async_payment_succeeded", { family: "checkout", decide: paidSession }],
  ["checkout.session.async_payment_failed", { family: "checkout", decide: () => ignored("payment_failed") }],
  ["payment_intent.succeeded", { family: "payment_intent", decide: succeededIntent }],
  ["payment_intent.payment_failed", { family: "payment_intent", decide: () => ignored("payment_failed") }],
  ["invoice.paid", { family: "invoice", decide: paidInvoice }],
  ["invoice.payment_failed", { family: "invoice", decide: () => ignored("payment_failed") }],
]);

/**
 * Decides what a verified event means for the chain.
 * @throws StripeRefusal "unreadable_event"
 */
export function classify(event: StripeEvent, settings: ClassifySettings): Decision {
  const { type } = event;
  const unwanted = unwantedReason(event, settings);
  if (unwanted !== undefined) return ignored(unwanted);
  if (type === "charge.refunded") return refundedCharge(event, settings);
  if (REFUND_TYPES.includes(type)) return changedRefund(event, settings);
  return RULES.get(type)?.decide(event.data.object) ?? ignored("other_type");
}

/**
 * Why no event of this type and mode is accepted, whatever its object holds. `livemode` undefined: the mode is not known.
 */
export function unwantedReason(
  { type, livemode }: { readonly type: string; readonly livemode?: boolean | null | undefined },
  settings: ClassifySettings,
): IgnoredReason | undefined {
  // A live endpoint of Connect also receives the test events of the connected accounts.
  if (settings.livemode !== undefined && typeof livemode === "boolean" && settings.livemode !== livemode)
    return "other_mode";
  if (type === "charge.refunded") return settings.refundFamily === "charge" ? undefined : "other_family";
  if (REFUND_TYPES.includes(type)) return undefined;
  const rule = RULES.get(type);
  if (rule === undefined) return "other_type";
  return rule.family === settings.family ? undefined : "other_family";
}

function ignored(reason: IgnoredReason): Ignored {
  return { kind: "ignored", reason };
}

/** A completed session is paid, is free of charge, or waits for a delayed payment method. */
function completedSession(object: unknown): Decision {
  const session = read(CheckoutSession, object, "checkout session");
  const settled = session.payment_status === "paid" || session.payment_status === "no_payment_required";
  return settled || session.mode === "setup" ? purchaseOf(session) : ignored("not_paid_yet");
}

function paidSession(object: unknown): Decision {
  return purchaseOf(read(CheckoutSession, object, "checkout session"));
}

function purchaseOf(session: v.InferOutput<typeof CheckoutSession>): Decision {
  if (session.mode === "setup") return ignored("setup_mode"); // its payment_status is no_payment_required
  const { customer_details: details } = session;
  return {
    kind: "purchase",
    source: session.payment_intent ?? session.id,
    facts: {
      objectId: session.id,
      paymentIntent: session.payment_intent,
      customer: session.customer,
      amount: session.amount_total,
      currency: session.currency,
      paymentStatus: session.payment_status,
      customerEmail: details?.email ?? session.customer_email,
      customerName: details?.name ?? details?.individual_name,
      clientReferenceId: session.client_reference_id,
      metadata: session.metadata ?? {},
    },
  };
}

function succeededIntent(object: unknown): Decision {
  const intent = read(PaymentIntent, object, "payment intent");
  return {
    kind: "purchase",
    source: intent.id,
    facts: {
      objectId: intent.id,
      paymentIntent: intent.id,
      customer: intent.customer,
      amount: intent.amount_received ?? intent.amount,
      currency: intent.currency,
      paymentStatus: intent.status,
      customerEmail: intent.receipt_email,
      metadata: intent.metadata ?? {},
    },
  };
}

function paidInvoice(object: unknown): Decision {
  const invoice = read(Invoice, object, "invoice");
  return {
    kind: "purchase",
    source: invoice.id, // its payment intent is in some API versions only
    facts: {
      objectId: invoice.id,
      paymentIntent: invoice.payment_intent ?? settlingIntent(invoice),
      customer: invoice.customer,
      amount: invoice.amount_paid,
      currency: invoice.currency,
      paymentStatus: invoice.status,
      customerEmail: invoice.customer_email,
      customerName: invoice.customer_name,
      metadata: {
        ...invoice.subscription_details?.metadata,
        ...invoice.parent?.subscription_details?.metadata,
        ...invoice.metadata, // the invoice's own values override its subscription's
      },
    },
  };
}

function settlingIntent(invoice: v.InferOutput<typeof Invoice>): string | undefined {
  const paid = (invoice.payments?.data ?? []).filter(
    ({ status, payment }) => (status ?? "paid") === "paid" && typeof payment?.payment_intent === "string",
  );
  const settling = paid.find((payment) => payment.is_default === true) ?? paid[0];
  return settling?.payment?.payment_intent ?? undefined;
}
