import * as fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { PendingPayload, privateCommitment, txIdOf } from "../../../../shared/chain/transaction.ts";
import { fromBase64url } from "../../../../shared/crypto/bytes.ts";
import { canonicalBytes, type Json } from "../../../../shared/crypto/canonical.ts";
import { REFUND_FAMILIES, type EventFamily } from "../../../../shared/stripe/decision.ts";
import { StripeRefusal } from "../../../../shared/stripe/refusal.ts";
import {
  asyncPaymentSucceeded,
  syntheticCheckout,
  syntheticRefund,
  syntheticRefundEvent,
  type SyntheticEvent,
} from "../../../../cli/local/stripe/synthetic.ts";
import { stripeTxId, toTransaction } from "../../../../shared/stripe/to-transaction.ts";
import { asEvent, decide, fixture, PURCHASE, SALT, SIGNED_AT, transactionOf, withObject } from "./events.ts";
import { runs } from "../../../support/assertions/fast-check.ts";

const UNPAID = syntheticCheckout({ seed: 2, created: SIGNED_AT, paymentStatus: "unpaid" });
const INTENT_ID = PURCHASE.data.object.payment_intent as string;

function checkPayload(payload: PendingPayload): void {
  expect(v.safeParse(PendingPayload, payload).issues).toBeUndefined();
  const { salt, part } = payload.private ?? { salt: "", part: {} };
  expect(payload.transaction.privateCommitment).toBe(privateCommitment(fromBase64url(salt), part));
}

function outcomeOf(event: SyntheticEvent, family: EventFamily): string {
  try {
    if (decide(event, family).kind === "ignored") return "ignored";
    checkPayload(transactionOf(event, family).payload);
    return "transaction";
  } catch (error) {
    if (error instanceof StripeRefusal) return error.reason;
    throw error;
  }
}

describe("the id of a transaction from Stripe", () => {
  it("is derived from mode, account and payment intent", () => {
    expect(transactionOf(PURCHASE).txId).toBe(
      txIdOf({ source: "stripe", livemode: false, account: null, object: INTENT_ID }),
    );
  });

  it("has one worked value, which must never change", () => {
    expect(stripeTxId({ livemode: false, account: null, object: "pi_000000000000000000000001" })).toBe(
      "vdc_tx_400df14cd11b41af8804acba917d8590bd03b3e2",
    );
  });

  it("is the same for a repeat with another event id and another salt", () => {
    const again = asEvent({ ...PURCHASE, id: "evt_again", created: PURCHASE.created + 5 });
    const decision = decide(again);
    if (decision.kind !== "purchase") throw new Error("not a purchase");
    const salt = new Uint8Array(32).fill(9);
    expect(toTransaction(again, decision, { salt }).txId).toBe(transactionOf(PURCHASE).txId);
  });

  it("is the same for the checkout and the payment intent of one purchase", () => {
    const intent = withObject(fixture("payment_intent.succeeded"), { id: INTENT_ID });
    expect(transactionOf(intent, "payment_intent").txId).toBe(transactionOf(PURCHASE).txId);
  });

  it("is the same for an invoice, whether or not the API version tells its payment intent", () => {
    const told = withObject(fixture("invoice.paid"), { payment_intent: INTENT_ID });
    const untold = withObject(fixture("invoice.paid"), { payment_intent: null, payments: null });
    expect(transactionOf(told, "invoice").txId).toBe(transactionOf(untold, "invoice").txId);
  });

  it("differs between live and test mode, and between connected accounts", () => {
    const ids = [
      PURCHASE,
      { ...PURCHASE, livemode: true },
      { ...PURCHASE, account: "acct_1" },
      { ...PURCHASE, account: "acct_2" },
      { ...PURCHASE, account: "acct_1", livemode: true },
    ].map((event) => transactionOf(event).txId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("a purchase", () => {
  it("creates the asset that it names", () => {
    const { txId, payload } = transactionOf(PURCHASE);
    expect(payload.transaction).toEqual({
      id: txId,
      type: "asset_creation",
      timestamp: PURCHASE.created * 1000,
      data: { assetId: "asset-1" },
      privateCommitment: expect.stringMatching(/^[0-9a-f]{64}$/),
      signatures: {},
    });
    checkPayload(payload);
  });

  it("is a payment when it names no asset", () => {
    const plain = syntheticCheckout({ seed: 4, created: SIGNED_AT });
    expect(transactionOf(plain).payload.transaction).toMatchObject({ type: "payment", data: {} });
    checkPayload(transactionOf(plain).payload);
  });

  it("keeps an asset's id private that repeats the customer's name or address, however it is spelt", () => {
    for (const [assetId, details] of [
      ["JaneDoe", { name: "Jane Doe" }],
      ["deed-jane.doe-2026", { name: "Jane Doé" }],
      ["jane_doe_example.org", { email: "jane.doe@example.org" }],
    ] as const) {
      const event = withObject(PURCHASE, { metadata: { assetId }, customer_details: details });
      expect(transactionOf(event).payload.transaction, assetId).toMatchObject({ type: "payment", data: {} });
    }
  });

  it("pays for the submission that it names, and creates no asset, whatever else it names", () => {
    const pays = transactionOf(PURCHASE).txId;
    const event = withObject(PURCHASE, { client_reference_id: pays });
    const { txId, payload } = transactionOf(event);
    expect(txId).toBe(transactionOf(PURCHASE).txId);
    expect(payload.transaction).toMatchObject({ type: "payment", data: { pays } });
    expect(payload.private?.part).toMatchObject({
      metadata: { assetId: "asset-1" },
      clientReferenceId: pays,
    });
    checkPayload(payload);
  });

  it.each([
    "order-17",
    "vdc_tx_",
    `vdc_tx_${"a".repeat(39)}`,
    `vdc_tx_${"A".repeat(40)}`,
    `xvdc_tx_${"a".repeat(40)}`,
  ])(
    "whose client_reference_id %j is none of a submission is what it was before, and keeps it privately",
    (reference) => {
      const { payload } = transactionOf(withObject(PURCHASE, { client_reference_id: reference }));
      expect(payload.transaction).toMatchObject({ type: "asset_creation", data: { assetId: "asset-1" } });
      expect(payload.private?.part.clientReferenceId).toBe(reference);
    },
  );

  it("has still paid when it is refunded: the refund names no submission", () => {
    const paid = withObject(PURCHASE, { client_reference_id: transactionOf(PURCHASE).txId });
    expect(transactionOf(syntheticRefund(paid)).payload.transaction).toMatchObject({
      type: "refund",
      data: { refunds: transactionOf(PURCHASE).txId },
    });
  });

  it("keeps what is needed later in the private part, and leaves out what Stripe did not tell", () => {
    const part = transactionOf(PURCHASE).payload.private?.part;
    expect(part).toEqual({
      stripe: {
        eventId: PURCHASE.id,
        eventType: "checkout.session.completed",
        apiVersion: "2026-07-29.dahlia",
        livemode: false,
        object: PURCHASE.data.object.id,
        paymentIntent: INTENT_ID,
      },
      amount: 4900,
      currency: "usd",
      paymentStatus: "paid",
      customerEmail: "buyer@example.com",
      userId: "user-1",
      metadata: { assetId: "asset-1", userId: "user-1" },
    });
  });

  it.each(["buyer@example.com", "Ada Buyer", "", "-x", "a/b", "x".repeat(129), "ümlaut", "😀"])(
    "whose asset id %j can't be public is still a payment, and keeps the id privately",
    (assetId) => {
      const { payload } = transactionOf(withObject(PURCHASE, { metadata: { assetId } }));
      expect(payload.transaction).toMatchObject({ type: "payment", data: {} });
      expect(payload.private?.part.metadata).toEqual({ assetId });
      checkPayload(payload);
    },
  );

  it("does not publish an asset id that is the user's, the buyer's name or Stripe's own", () => {
    const named = withObject(PURCHASE, {
      customer: "cus_1",
      customer_details: { email: "buyer@example.com", name: "Ada" },
    });
    for (const assetId of [
      "user-1",
      "Ada",
      "cus_1",
      "deed-4242.4242.4242.4242",
      INTENT_ID,
      PURCHASE.data.object.id as string,
    ]) {
      const event = withObject(named, { metadata: { assetId, userId: "user-1" } });
      expect(transactionOf(event).payload.transaction.type).toBe("payment");
    }
  });

  it("survives text that canonical JSON can't hold", () => {
    const odd = withObject(PURCHASE, {
      client_reference_id: "half \ud83d",
      metadata: { "\udc00": "\ud800", cut: `${"x".repeat(499)}😀` },
    });
    const { payload } = transactionOf(odd);
    checkPayload(payload);
    expect(payload.private?.part).toMatchObject({
      clientReferenceId: "half \ufffd",
      metadata: { "\ufffd": "\ufffd", cut: `${"x".repeat(499)}\ufffd` },
    });
  });
});

describe("a refund", () => {
  const purchaseId = transactionOf(PURCHASE).txId;

  it("names the transaction of the purchase it refunds", () => {
    const { txId, payload } = transactionOf(syntheticRefund(PURCHASE));
    expect(payload.transaction).toMatchObject({ id: txId, type: "refund", data: { refunds: purchaseId } });
    expect(txId).not.toBe(purchaseId);
    checkPayload(payload);
  });

  it("is one transaction, whether or not the API version lists the charge's refunds", () => {
    const told = fixture("charge.refunded.2020-08-27");
    const untold = withObject(told, { refunds: null });
    expect(transactionOf(told).txId).toBe(transactionOf(untold).txId);
    expect(transactionOf(told).payload.private?.part.stripe).toMatchObject({
      object: "ch_fixture000000000000003",
      refund: "re_fixture000000000000002",
    });
  });

  it("says that it does not know the purchase where there is no payment intent", () => {
    const refund = withObject(syntheticRefund(PURCHASE), { payment_intent: null });
    expect(transactionOf(refund).payload.transaction.data).toEqual({ refunds: null });
  });

  it("is one more transaction when it failed, told by whichever event, and names the refund where that is known", () => {
    const failed = { status: "failed", failureReason: "expired_or_canceled_card" } as const;
    const events = (["refund.failed", "refund.updated", "charge.refund.updated"] as const).map((type) =>
      syntheticRefundEvent(PURCHASE, { type, ...failed }),
    );
    const created = syntheticRefundEvent(PURCHASE, { type: "refund.created", status: "succeeded" });
    const refunded = transactionOf(created, "checkout", "refund");
    for (const refundFamily of REFUND_FAMILIES) {
      const taken = events.map((event) => transactionOf(event, "checkout", refundFamily));
      expect(new Set(taken.map(({ txId }) => txId)).size).toBe(1);
      for (const { payload } of taken) {
        expect(payload.transaction).toMatchObject({
          type: "refund_failure",
          data: { failed: refundFamily === "refund" ? refunded.txId : null, refunds: purchaseId },
        });
        expect(payload.private?.part).toMatchObject({ failureReason: "expired_or_canceled_card" });
        checkPayload(payload);
      }
      expect(taken[0]?.txId).not.toBe(refunded.txId);
    }
  });

  it("names the purchase of the same mode and account", () => {
    const elsewhere = { ...PURCHASE, account: "acct_1", livemode: true };
    expect(transactionOf(syntheticRefund(elsewhere)).payload.transaction.data).toEqual({
      refunds: transactionOf(elsewhere).txId,
    });
  });
});

describe("the payload", () => {
  it("stays below 60 kB whatever Stripe allows in metadata, and says what had no room", () => {
    for (const char of ["x", "é", "漢", "\u0001", '"', "\ud800"]) {
      const metadata = Object.fromEntries(
        Array.from({ length: 48 }, (_, i) => [`${i}${char.repeat(38)}`, char.repeat(500)]),
      );
      const full = withObject(PURCHASE, {
        metadata: { ...metadata, userId: char.repeat(500), assetId: "asset-1" },
        client_reference_id: char.repeat(200),
        customer_details: { email: char.repeat(5000), name: char.repeat(5000) },
        currency: char.repeat(5000),
        customer: char.repeat(5000),
      });
      const { payload } = transactionOf(full);
      checkPayload(payload);
      expect(canonicalBytes(payload as unknown as Json).length).toBeLessThan(60_000);
      const kept = payload.private?.part.metadata as Record<string, string>;
      expect(kept.assetId).toBe("asset-1");
      expect(kept.userId).toHaveLength(500);
      const omitted = (payload.private?.part.metadataOmitted as number | undefined) ?? 0;
      expect(Object.keys(kept).length + omitted).toBe(50);
      expect(omitted > 0).toBe(char !== "x");
    }
  });

  it("needs a salt of 32 bytes", () => {
    const decision = decide(PURCHASE);
    if (decision.kind !== "purchase") throw new Error("not a purchase");
    for (const length of [0, 16, 31, 33])
      expect(() => toTransaction(asEvent(PURCHASE), decision, { salt: new Uint8Array(length) })).toThrow(
        TypeError,
      );
  });

  it("commits to another value for another salt", () => {
    const decision = decide(PURCHASE);
    if (decision.kind !== "purchase") throw new Error("not a purchase");
    const commitments = [SALT, new Uint8Array(32)].map(
      (salt) => toTransaction(asEvent(PURCHASE), decision, { salt }).payload.transaction.privateCommitment,
    );
    expect(commitments[0]).not.toBe(commitments[1]);
  });
});

describe("the public transaction", () => {
  /** Members that say what an event is. Every other text in it may be personal. */
  const STRUCTURE = new Set(["object", "type", "mode", "payment_status"]);

  /** Replaces every text in the event, absent ones too, by the texts of `next`. */
  function fill(value: Json | undefined, next: () => string): Json {
    if (value === null || typeof value === "string") return next();
    if (Array.isArray(value)) return value.map((item: Json) => fill(item, next));
    if (typeof value === "object")
      return Object.fromEntries(
        Object.entries(value as Record<string, Json>).map(([name, member]) => [
          name,
          STRUCTURE.has(name) ? member : fill(member, next),
        ]),
      );
    return value ?? null;
  }

  const events: [SyntheticEvent, EventFamily][] = [
    [withObject(PURCHASE, { metadata: { assetId: "a", userId: "u", note: "n" } }), "checkout"],
    [asyncPaymentSucceeded(UNPAID), "checkout"],
    [syntheticRefund(PURCHASE), "checkout"],
    [fixture("charge.refunded.2020-08-27"), "checkout"],
    [fixture("payment_intent.succeeded"), "payment_intent"],
    [fixture("invoice.paid"), "invoice"],
  ];

  /** An e-mail address has no space, so it also passes as an id of Stripe. A name passes everywhere else. */
  const personal = fc.oneof(
    fc.emailAddress(),
    fc
      .tuple(fc.string({ unit: "grapheme", minLength: 3 }), fc.string({ unit: "grapheme", minLength: 3 }))
      .map((names) => names.join(" ")),
  );

  it("holds nothing that any text of the event says", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...events),
        fc.infiniteStream(personal),
        fc.infiniteStream(fc.emailAddress()),
        ([event, family], texts, emails) => {
          const used: string[] = [];
          const take = (stream: Iterator<string>) => {
            used.push(stream.next().value as string);
            return used.at(-1) ?? "";
          };
          const object = fill(event.data.object, () => take(texts)) as SyntheticEvent["data"]["object"];
          // These must look like Stripe's ids. Otherwise the event is refused before it becomes a transaction.
          const ids = { id: take(emails), payment_intent: take(emails) };
          const personalEvent = withObject(
            { ...event, id: take(emails), account: take(emails), api_version: take(texts) },
            { ...object, ...ids, payments: null, refunds: null, customer: take(texts) },
          );
          const { payload } = transactionOf(personalEvent, family);
          const published = JSON.stringify(payload.transaction);
          for (const text of used) {
            expect(published).not.toContain(JSON.stringify(text).slice(1, -1));
            expect(published).not.toContain(text);
          }
          checkPayload(payload);
        },
      ),
      { numRuns: runs(100) },
    );
  });

  it("holds no id of Stripe's, no amount, no address and no user id", () => {
    for (const [event, family] of events) {
      const published = JSON.stringify(transactionOf(event, family).payload.transaction);
      expect(published).not.toMatch(/(?:evt|cs|pi|ch|re|cus|in|sub|pm|txn|acct|req)_(?:test_)?[0-9a-z]/i);
      expect(published).not.toMatch(/buyer|example\.com|amount|usd|user-\d|Ada/);
    }
  });

  it("is all that an arbitrary event can become: otherwise it is ignored or refused", () => {
    fc.assert(
      fc.property(fc.constantFrom(...events), fc.object({ maxDepth: 3 }), ([event, family], members) => {
        const odd = withObject(event, JSON.parse(JSON.stringify(members)) as Record<string, Json>);
        expect(outcomeOf(odd, family)).toMatch(/^(?:ignored|transaction|unreadable_event)$/);
      }),
    );
  });
});
