import type { Stripe } from "stripe";
import type * as v from "valibot";
import type { Decision, EventFamily, Ignored, IgnoredReason } from "./decision.ts";
import { Charge, CheckoutSession, Envelope, Invoice, PaymentIntent, PreviousCharge, read } from "./event.ts";
import { StripeRefusal } from "./refusal.ts";

export interface ClassifySettings {
  family: EventFamily;
  /** undefined: test and live events are both taken. */
  livemode: boolean | undefined;
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
 * What a verified event means for the chain.
 * @throws StripeRefusal "livemode_mismatch" or "unreadable_event"
 */
export function classify(event: Stripe.Event, settings: ClassifySettings): Decision {
  const { type, livemode, data } = read(Envelope, event, "event");
  if (settings.livemode !== undefined && settings.livemode !== livemode)
    throw new StripeRefusal(
      "livemode_mismatch",
      `This is a ${livemode ? "live" : "test"} event, but STRIPE_LIVEMODE is ${settings.livemode}. Use the webhook ` +
        "secret and endpoint of the right mode.",
    );

  if (type === "charge.refunded") return refundedCharge(data.object, data.previous_attributes);
  const rule = RULES.get(type);
  if (rule === undefined) return ignored("other_type");
  return rule.family === settings.family ? rule.decide(data.object) : ignored("other_family");
}

function ignored(reason: IgnoredReason): Ignored {
  return { kind: "ignored", reason };
}

/** A completed session is paid, free of charge, or waits for a delayed payment method. */
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
        ...invoice.metadata, // the invoice's own word counts before its subscription's
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

function refundedCharge(object: unknown, previous: unknown): Decision {
  const charge = read(Charge, object, "charge");
  if (charge.captured === false || charge.amount_refunded === 0) return ignored("not_captured");
  const newest = charge.refunds?.data[0]; // Stripe lists the newest first
  const before = read(PreviousCharge, previous ?? {}, "charge's previous attributes").amount_refunded;
  return {
    kind: "refund",
    // The amount is cumulative: each partial refund has its own id, and a repeat has the same.
    refundId: newest?.id ?? `${charge.id}:refunded:${charge.amount_refunded}`,
    amountRefunded: charge.amount_refunded,
    facts: {
      objectId: charge.id,
      paymentIntent: charge.payment_intent,
      customer: charge.customer,
      amount: newest?.amount ?? (typeof before === "number" ? charge.amount_refunded - before : undefined),
      currency: charge.currency,
      paymentStatus: charge.refunded === false ? "partially_refunded" : "refunded",
      customerEmail: charge.receipt_email ?? charge.billing_details?.email,
      customerName: charge.billing_details?.name,
      metadata: charge.metadata ?? {},
    },
  };
}
