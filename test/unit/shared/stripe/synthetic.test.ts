import { describe, expect, it } from "vitest";
import {
  asyncPaymentSucceeded,
  signStripeBody,
  syntheticCheckout,
  syntheticRefund,
} from "../../../../cli/local/stripe/synthetic.ts";
import { deliver, PURCHASE, SECRET, SIGNED_AT } from "./events.ts";

const make = (seed: string) => syntheticCheckout({ seed, created: SIGNED_AT });
const idsOf = (event: object): string[] => JSON.stringify(event).match(/\b(?:evt|cs_test|pi)_\w+/g) ?? [];

describe("synthetic events", () => {
  it("are the same for the same seed, and share no id with another's", () => {
    expect(make("a")).toEqual(make("a"));
    expect(idsOf(make("a"))).toHaveLength(3);
    expect(idsOf(make("a")).filter((id) => idsOf(make("b")).includes(id))).toEqual([]);
  });

  it("have ids of Stripe's form", () => {
    expect(PURCHASE.id).toMatch(/^evt_[0-9a-f]{24}$/);
    expect(PURCHASE.data.object.id).toMatch(/^cs_test_a1[0-9a-f]{58}$/);
    expect(PURCHASE.data.object.payment_intent).toMatch(/^pi_[0-9a-f]{24}$/);
  });

  it("have different event ids and one session when they are of one purchase", () => {
    const unpaid = syntheticCheckout({ seed: 5, created: SIGNED_AT, paymentStatus: "unpaid" });
    const later = asyncPaymentSucceeded(unpaid);
    expect(later.id).not.toBe(unpaid.id);
    expect(later.data.object.id).toBe(unpaid.data.object.id);
    expect(later.created).toBeGreaterThan(unpaid.created);
    const refunds = [2000, 4900].map((refunded) => syntheticRefund(later, { refunded }));
    expect(new Set([unpaid.id, later.id, ...refunds.map((refund) => refund.id)]).size).toBe(4);
    expect(new Set(refunds.map((refund) => refund.data.object.id)).size).toBe(1);
  });

  it("signed with signStripeBody pass verification", async () => {
    const body = JSON.stringify(syntheticRefund(PURCHASE), null, 2);
    const header = signStripeBody(body, SECRET, SIGNED_AT);
    expect(header).toMatch(new RegExp(`^t=${SIGNED_AT},v1=[0-9a-f]{64}$`));
    await expect(deliver(body, { header })).resolves.toMatchObject({ type: "charge.refunded" });
  });
});
