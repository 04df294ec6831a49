import { describe, expect, it } from "vitest";
import type { EventFamily } from "../../../../shared/stripe/decision.ts";
import { syntheticCheckout, syntheticRefund } from "../../../../cli/local/stripe/synthetic.ts";
import { HAS_SHARED_VECTORS, sharedVectorText } from "../../../support/chain/vectors.ts";
import { decide, deliver, SIGNED_AT, transactionOf } from "./events.ts";

/** The meaning of each file, in its event family. */
const EXPECTED: Record<string, [EventFamily, string]> = {
  "events/checkout.session.completed.paid.json": ["checkout", "asset_creation"],
  "events/checkout.session.completed.client_reference_id.json": ["checkout", "payment"],
  "events/checkout.session.completed.no_reference.json": ["checkout", "payment"],
  "events/checkout.session.completed.unpaid.json": ["checkout", "not_paid_yet"],
  "events/checkout.session.async_payment_succeeded.json": ["checkout", "asset_creation"],
  "events/checkout.session.async_payment_failed.json": ["checkout", "payment_failed"],
  "events/checkout.session.completed.setup.json": ["checkout", "setup_mode"],
  "events/payment_intent.succeeded.json": ["payment_intent", "asset_creation"],
  "events/charge.refunded.json": ["checkout", "refund"],
  "events/invoice.paid.json": ["invoice", "asset_creation"],
  "events/customer.created.json": ["checkout", "other_type"],
  "events-2020-08-27/checkout.session.completed.json": ["checkout", "payment"],
  "events-2020-08-27/checkout.session.completed.payment_mode.json": ["checkout", "payment"],
  "events-2020-08-27/checkout.session.completed.setup_mode.json": ["checkout", "setup_mode"],
  "events-2020-08-27/invoice.paid.json": ["invoice", "payment"],
  "events-2020-08-27/payment_intent.succeeded.json": ["payment_intent", "payment"],
};

const text = (file: string) => sharedVectorText(`stripe/${file}`);
const parsed = (file: string) => JSON.parse(text(file)) as ReturnType<typeof syntheticRefund>;

/** Needs the shared vectors. A bare clone has its own cases in the other files of this folder. */
describe.runIf(HAS_SHARED_VECTORS)("Stripe's published events", () => {
  it("are all tested here", () => {
    const index = JSON.parse(text("events.json")) as { file: string }[];
    expect(Object.keys(EXPECTED).toSorted()).toEqual(index.map(({ file }) => file).toSorted());
    expect(index.length).toBeGreaterThan(0);
  });

  it.each(Object.entries(EXPECTED))(
    "%s is verified byte for byte and read as %s",
    async (file, [family, kind]) => {
      const event = await deliver(text(file));
      const decision = decide(event, family);
      const transaction =
        decision.kind === "ignored" ? undefined : transactionOf(event, family).payload.transaction;
      expect(decision.kind === "ignored" ? decision.reason : transaction?.type).toBe(kind);
      expect(JSON.stringify(transaction ?? null)).not.toMatch(
        /buyer@example\.com|user-\d|(?:pi|cs|ch|in|evt)_/,
      );
    },
  );

  it("share one transaction when they are of one purchase", () => {
    const of = (file: string, family: EventFamily) => transactionOf(parsed(file), family).txId;
    const purchase = of("events/checkout.session.completed.paid.json", "checkout");
    expect(of("events/payment_intent.succeeded.json", "payment_intent")).toBe(purchase);
    expect(transactionOf(parsed("events/charge.refunded.json")).payload.transaction.data).toEqual({
      refunds: purchase,
    });
  });

  it("have every field that the synthetic ones have, and no other", () => {
    const synthetic = syntheticCheckout({ seed: 1, created: SIGNED_AT });
    const published = parsed("events/checkout.session.completed.paid.json");
    expect(Object.keys(synthetic).toSorted()).toEqual(Object.keys(published).toSorted());
    expect(Object.keys(synthetic.data.object).toSorted()).toEqual(
      Object.keys(published.data.object).toSorted(),
    );
    const charge = parsed("events/charge.refunded.json").data.object;
    for (const field of Object.keys(syntheticRefund(synthetic).data.object))
      expect(charge).toHaveProperty(field);
  });
});
