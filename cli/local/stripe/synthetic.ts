import { createHmac } from "node:crypto";
import type { Json } from "../../../shared/crypto/canonical.ts";
import { sha256Hex } from "../../../shared/crypto/hash.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { syntheticSession } from "./synthetic-session.ts";

/** The API version whose shape the synthetic objects have. */
const API_VERSION = "2026-07-29.dahlia";

/** A snapshot event as Stripe posts it. */
export interface SyntheticEvent {
  id: string;
  object: "event";
  account?: string;
  api_version: string;
  created: number;
  data: { object: { [name: string]: Json }; previous_attributes?: { [name: string]: Json } };
  livemode: boolean;
  pending_webhooks: number;
  request: { id: string | null; idempotency_key: string | null };
  type: string;
}

export interface SyntheticCheckout {
  /** The seed of all ids: the same seed gives the same purchase, delivered again. */
  seed: string | number;
  /** Seconds since the epoch. */
  created: number;
  assetId?: string;
  userId?: string;
  email?: string;
  /** Id of the submission that this purchase pays for. */
  clientReferenceId?: string;
  paymentStatus?: "paid" | "unpaid" | "no_payment_required";
  /** In the currency's minor unit. */
  amount?: number;
}

/** `checkout.session.completed` of a test-mode purchase, for `vdc pay`, the demo and tests. */
export function syntheticCheckout(purchase: SyntheticCheckout): SyntheticEvent {
  const { seed, created, assetId, userId, paymentStatus = "paid" } = purchase;
  const free = paymentStatus === "no_payment_required";
  return {
    id: `evt_${digits(`checkout.session.completed:${seed}`, 24)}`,
    object: "event",
    api_version: API_VERSION,
    created,
    data: {
      object: syntheticSession({
        id: `cs_test_a1${digits(`session:${seed}`, 58)}`,
        paymentIntent: free ? null : `pi_${digits(`payment_intent:${seed}`, 24)}`,
        paymentStatus,
        amount: free ? 0 : (purchase.amount ?? 4900),
        created: created - 61,
        email: purchase.email ?? "buyer@example.com",
        clientReferenceId: purchase.clientReferenceId ?? null,
        metadata: { ...(assetId !== undefined && { assetId }), ...(userId !== undefined && { userId }) },
      }),
    },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: "checkout.session.completed",
  };
}

/** The event for the delayed payment of an `unpaid` checkout, a minute later. */
export function asyncPaymentSucceeded(checkout: SyntheticEvent): SyntheticEvent {
  return {
    ...checkout,
    id: `evt_${digits(`async_payment_succeeded:${checkout.id}`, 24)}`,
    created: checkout.created + 60,
    data: { object: { ...checkout.data.object, payment_status: "paid" } },
    type: "checkout.session.async_payment_succeeded",
  };
}

/**
 * `charge.refunded` of a paid checkout, an hour later. Amounts are cumulative, as in Stripe's events.
 * @param amounts.refunded refunded in all, this refund included; the whole price by default
 * @param amounts.before refunded before this refund
 */
export function syntheticRefund(
  checkout: SyntheticEvent,
  amounts: { refunded?: number; before?: number } = {},
): SyntheticEvent {
  const session = checkout.data.object as ReturnType<typeof syntheticSession>;
  const { id: seed, amount_total: amount, customer_details: buyer } = session;
  const { refunded = amount, before = 0 } = amounts;
  return {
    ...checkout,
    id: `evt_${digits(`charge.refunded:${seed}:${refunded}`, 24)}`,
    created: checkout.created + 3600,
    data: {
      object: {
        id: `ch_${digits(`charge:${seed}`, 24)}`,
        object: "charge",
        amount,
        amount_captured: amount,
        amount_refunded: refunded,
        balance_transaction: `txn_${digits(`balance:${seed}`, 24)}`,
        billing_details: { address: null, email: buyer.email, name: null, phone: null, tax_id: null },
        captured: true,
        created: checkout.created - 60,
        currency: session.currency,
        customer: null,
        description: null,
        disputed: false,
        failure_code: null,
        livemode: checkout.livemode,
        metadata: session.metadata,
        paid: true,
        payment_intent: session.payment_intent,
        payment_method: `pm_${digits(`payment_method:${seed}`, 24)}`,
        receipt_email: null,
        receipt_url: "https://example.com/receipt",
        refunded: refunded === amount,
        shipping: null,
        status: "succeeded",
      },
      previous_attributes: { amount_refunded: before, ...(refunded === amount && { refunded: false }) },
    },
    request: { id: `req_${digits(`refund:${seed}:${refunded}`, 14)}`, idempotency_key: null },
    type: "charge.refunded",
  };
}

export interface SyntheticRefundChange {
  readonly type: "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated";
  readonly status: "pending" | "requires_action" | "succeeded" | "failed" | "canceled";
  readonly failureReason?: string;
  /** Distinguishes several refunds of one checkout. */
  readonly seed?: string;
  /** The whole price by default. */
  readonly amount?: number;
}

/** An event whose object is a refund of a paid checkout, an hour later. */
export function syntheticRefundEvent(
  checkout: SyntheticEvent,
  change: SyntheticRefundChange,
): SyntheticEvent {
  const session = checkout.data.object as ReturnType<typeof syntheticSession>;
  const { type, status, failureReason } = change;
  const seed = `${session.id}:${change.seed ?? ""}`;
  return {
    ...checkout,
    id: `evt_${digits(`${type}:${status}:${seed}`, 24)}`,
    created: checkout.created + 3600,
    data: {
      object: {
        id: `re_${digits(`refund:${seed}`, 24)}`,
        object: "refund",
        amount: change.amount ?? session.amount_total,
        balance_transaction: `txn_${digits(`balance:${seed}`, 24)}`,
        charge: `ch_${digits(`charge:${session.id}`, 24)}`,
        created: checkout.created + 3600,
        currency: session.currency,
        ...(failureReason !== undefined && { failure_reason: failureReason }),
        metadata: {},
        payment_intent: session.payment_intent,
        reason: null,
        receipt_number: null,
        source_transfer_reversal: null,
        status,
        transfer_reversal: null,
      },
    },
    request: { id: null, idempotency_key: null },
    type,
  };
}

/** Makes a `Stripe-Signature` header over exactly this body. */
export function signStripeBody(rawBody: string, secret: string, timestampSeconds: number): string {
  const hmac = createHmac("sha256", secret).update(`${timestampSeconds}.${rawBody}`);
  return `t=${timestampSeconds},v1=${hmac.digest("hex")}`;
}

/** Hex in place of Stripe's random letters; the same seed gives the same hex. */
function digits(seed: string, count: number): string {
  return sha256Hex(utf8(seed)).slice(0, count);
}
