import { describe, expect, it } from "vitest";
import { EVENT_FAMILIES } from "../../../../shared/stripe/decision.ts";
import { StripeRefusal } from "../../../../shared/stripe/refusal.ts";
import {
  asyncPaymentSucceeded,
  syntheticCheckout,
  syntheticRefund,
  syntheticRefundEvent,
} from "../../../../cli/local/stripe/synthetic.ts";
import { decide, fixture, PURCHASE, SIGNED_AT, withObject } from "./events.ts";

const UNPAID = syntheticCheckout({ seed: 2, created: SIGNED_AT, paymentStatus: "unpaid" });
const FREE = syntheticCheckout({ seed: 3, created: SIGNED_AT, paymentStatus: "no_payment_required" });
const SETUP = withObject(FREE, { mode: "setup", setup_intent: "seti_1" });
const INTENT = fixture("payment_intent.succeeded");
const INVOICE = fixture("invoice.paid");
const OLD_REFUND = fixture("charge.refunded.2020-08-27");

const ignored = (reason: string) => ({ kind: "ignored", reason });

describe("classify", () => {
  it("takes a completed checkout that is paid, or free of charge", () => {
    expect(decide(PURCHASE)).toMatchObject({
      kind: "purchase",
      facts: { amount: 4900, currency: "usd", metadata: { assetId: "asset-1", userId: "user-1" } },
    });
    expect(decide(FREE)).toMatchObject({ kind: "purchase", facts: { amount: 0, paymentIntent: null } });
  });

  it("waits for the money of an unpaid checkout, and takes it when it arrives", () => {
    expect(decide(UNPAID)).toEqual(ignored("not_paid_yet"));
    expect(decide(withObject(PURCHASE, { payment_status: "something_new" }))).toEqual(
      ignored("not_paid_yet"),
    );
    expect(decide(asyncPaymentSucceeded(UNPAID))).toMatchObject({
      kind: "purchase",
      facts: { paymentStatus: "paid" },
    });
  });

  it("does not take a saved payment method for a payment", () => {
    expect(decide(SETUP)).toEqual(ignored("setup_mode"));
    expect(decide(withObject(SETUP, { payment_status: "unpaid" }))).toEqual(ignored("setup_mode"));
    expect(decide(asyncPaymentSucceeded(SETUP))).toEqual(ignored("setup_mode"));
  });

  it("takes each purchase from one family of events only", () => {
    for (const family of EVENT_FAMILIES) {
      const taken = [PURCHASE, INTENT, INVOICE].filter((event) => decide(event, family).kind === "purchase");
      const others = [PURCHASE, INTENT, INVOICE].filter((event) => !taken.includes(event));
      expect(taken).toHaveLength(1);
      for (const event of others) expect(decide(event, family)).toEqual(ignored("other_family"));
    }
  });

  it("takes a refund in every family", () => {
    for (const family of EVENT_FAMILIES)
      expect(decide(syntheticRefund(PURCHASE), family)).toMatchObject({
        kind: "refund",
        amountRefunded: 4900,
        facts: { amount: 4900, paymentStatus: "refunded" },
      });
  });

  it("knows how much one of several partial refunds gave back", () => {
    expect(decide(syntheticRefund(PURCHASE, { refunded: 3000, before: 1000 }))).toMatchObject({
      amountRefunded: 3000,
      facts: { amount: 2000, paymentStatus: "partially_refunded" },
    });
  });

  it("reads the newest refund's id where an old API version carries it, and derives the transaction from what all versions have", () => {
    expect(decide(OLD_REFUND)).toMatchObject({
      kind: "refund",
      source: "ch_fixture000000000000003:refunded:1500:1648320100",
      refundId: "re_fixture000000000000002",
      amountRefunded: 1500,
      facts: { amount: 500, customerEmail: "buyer@example.com" },
    });
  });

  it("ignores a refund that says the charge was never captured", () => {
    const expired = syntheticRefundEvent(PURCHASE, { type: "refund.created", status: "succeeded" });
    const uncaptured = withObject(expired, { reason: "expired_uncaptured_charge" });
    expect(decide(uncaptured, "checkout", undefined, "refund")).toEqual(ignored("not_captured"));
  });

  it("ignores every other type, even one named like a member of every object", () => {
    for (const type of ["customer.created", "invoice.payment_succeeded", "constructor", "__proto__", ""])
      expect(decide({ ...PURCHASE, type })).toEqual(ignored("other_type"));
  });

  it("finds an invoice's payment intent and metadata in old and new API versions", () => {
    expect(decide(INVOICE, "invoice")).toMatchObject({
      facts: {
        paymentIntent: "pi_fixture000000000000002",
        customer: "cus_fixture0000002",
        amount: 1900,
        metadata: { assetId: "asset-0002", userId: "user-0002" },
      },
    });
    const old = withObject(INVOICE, {
      parent: null,
      payments: null,
      payment_intent: "pi_old",
      subscription_details: { metadata: { assetId: "asset-old" } },
      metadata: { userId: "user-old" },
    });
    expect(decide(old, "invoice")).toMatchObject({
      facts: { paymentIntent: "pi_old", metadata: { assetId: "asset-old", userId: "user-old" } },
    });
    const bare = decide(withObject(INVOICE, { payments: null }), "invoice");
    expect(bare).toMatchObject({
      facts: { objectId: "in_fixture000000000000002", paymentIntent: undefined },
    });
  });

  it("reads references whether they are ids or whole objects", () => {
    const expanded = withObject(PURCHASE, {
      payment_intent: { id: "pi_expanded", object: "payment_intent", amount: 4900 },
      customer: { id: "cus_expanded", object: "customer", deleted: true },
    });
    expect(decide(expanded)).toMatchObject({
      facts: { paymentIntent: "pi_expanded", customer: "cus_expanded" },
    });
  });

  it("ignores test events where live ones are expected, and the reverse, whatever their type", () => {
    const live = { ...PURCHASE, livemode: true };
    expect(decide(PURCHASE, "checkout", false).kind).toBe("purchase");
    expect(decide(live, "checkout", true).kind).toBe("purchase");
    expect(decide(live).kind).toBe("purchase");
    expect(decide(PURCHASE, "checkout", true)).toEqual(ignored("other_mode"));
    expect(decide(live, "checkout", false)).toEqual(ignored("other_mode"));
    expect(decide({ ...live, type: "customer.created" }, "checkout", false)).toEqual(ignored("other_mode"));
    expect(decide({ ...live, account: "acct_1", data: { object: {} } }, "checkout", false)).toEqual(
      ignored("other_mode"),
    );
  });

  it.each([
    ["no id", withObject(PURCHASE, { id: null })],
    ["an id with a space", withObject(PURCHASE, { id: "cs 1" })],
    ["an endless id", withObject(PURCHASE, { id: "c".repeat(256) })],
    ["no payment status", withObject(PURCHASE, { payment_status: null })],
    ["a payment intent that is a number", withObject(PURCHASE, { payment_intent: 7 })],
    ["an amount with a fraction", withObject(PURCHASE, { amount_total: 49.5 })],
    ["metadata that is not text", withObject(PURCHASE, { metadata: { "buyer@example.com": { a: 1 } } })],
    ["no object", { ...PURCHASE, data: {} }],
    ["no livemode", { ...PURCHASE, livemode: undefined }],
    ["no time", { ...PURCHASE, created: null }],
    ["a time beyond all calendars", { ...PURCHASE, created: Number.MAX_SAFE_INTEGER }],
    ["no refunded amount", withObject(syntheticRefund(PURCHASE), { amount_refunded: null })],
  ])("refuses an event of ours with %s, without repeating what it holds", (_, event) => {
    let error: unknown;
    try {
      decide(event);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(StripeRefusal);
    expect(error).toMatchObject({ reason: "unreadable_event" });
    expect(String(error)).not.toMatch(/buyer@|cs_test|pi_/);
  });

  it("ignores events that are not ours without reading their object", () => {
    expect(decide({ ...PURCHASE, type: "customer.created", data: { object: { id: 7 } } })).toEqual(
      ignored("other_type"),
    );
  });
});
