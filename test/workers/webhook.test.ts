import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Transaction } from "../../shared/chain/transaction.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { signStripeBody, syntheticRefund, type SyntheticEvent } from "../../cli/local/stripe/synthetic.ts";
import { checkChain, expectMined, pendingKeys } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import { mine, purchase, status } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectHeaders, expectProblem, type ProblemBody } from "../support/assertions/problems.ts";
import { fixture } from "../support/chain/vectors.ts";

const NEW_SECRET = "whsec_3b1f9d0c7a5e48f2a6d40e9b";
const OLD_SECRET = "whsec_c27e5580b94d4f1393a1ffe6";
const MAX_BODY_BYTES = 256_000;

const seconds = () => Math.floor(Date.now() / 1_000);

interface Delivery {
  /** The secret that signs; null sends no signature. */
  secret?: string | null;
  /** Seconds from now to the signed time. */
  shift?: number;
  /** The body that is sent in place of the signed one. */
  sent?: BodyInit;
  signature?: string;
}

async function post(pipeline: Pipeline, body: string, delivery: Delivery = {}): Promise<Response> {
  const { secret = NEW_SECRET, shift = 0, sent = body } = delivery;
  const signature =
    delivery.signature ?? (secret === null ? undefined : signStripeBody(body, secret, seconds() + shift));
  return pipeline.fetch("/api/stripe/webhook", {
    method: "POST",
    headers: signature === undefined ? {} : { "stripe-signature": signature },
    body: sent,
    ...(sent instanceof ReadableStream && { duplex: "half" }),
  });
}

const deliver = (pipeline: Pipeline, event: unknown, delivery?: Delivery) =>
  post(pipeline, JSON.stringify(event), delivery);

async function taken(response: Response): Promise<{ received: true; txId: string; type: string }> {
  const body: { received: true; txId: string; type: string } = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  expect(body).toEqual({
    received: true,
    txId: expect.stringMatching(/^vdc_tx_[0-9a-f]{40}$/),
    type: body.type,
  });
  return body;
}

/** Returns the transactions in the chain, once they have arrived and are mined. */
async function mined(pipeline: Pipeline, txIds: readonly string[]): Promise<Transaction[]> {
  await until(async () => {
    for (const txId of txIds)
      expect((await pipeline.fetch(`/api/vdc/transactions/${txId}`)).status).toBe(200);
  });
  await mine(pipeline);
  const transactions = (await checkChain(pipeline)).flatMap((block) => block.transactions);
  return txIds.map((txId) => {
    const found = transactions.find(({ id }) => id === txId);
    if (found === undefined) throw new Error(`${txId} is in no block`);
    return found;
  });
}

async function expectRefused(response: Response, reason: string): Promise<ProblemBody> {
  const invalid = !["thin_event", "unreadable_event", "not_json"].includes(reason);
  const slug = invalid ? "invalid-signature" : reason === "not_json" ? "invalid-body" : "unsupported-event";
  const problem = await expectProblem(response, slug, reason);
  expect(problem.reason).toBe(reason);
  return problem;
}

async function expectIgnored(response: Response, reason: string): Promise<void> {
  expect(await response.json(), reason).toEqual({ received: true, ignored: reason });
  expect(response.status).toBe(200);
  expectHeaders(response);
}

describe("the webhook", () => {
  let pipeline: Pipeline;
  /** Ids in successful answers. The last test compares the chain with them. */
  const accepted = new Set<string>();
  beforeAll(async () => {
    pipeline = await startPipeline({
      secrets: { STRIPE_WEBHOOK_SECRET: `${NEW_SECRET}, ${OLD_SECRET}` },
      vars: { STRIPE_LIVEMODE: "false" },
    });
  });
  afterAll(() => pipeline.close());

  it("refuses what Stripe has not signed [T1 T44 T56]", async () => {
    const event = purchase();
    const body = JSON.stringify(event);
    await expectRefused(await post(pipeline, body, { secret: null }), "missing_signature");
    await expectRefused(await post(pipeline, body, { signature: "v1=" }), "malformed_signature");
    await expectRefused(
      await post(pipeline, body, { signature: `t=${seconds()},v1=${"0".repeat(64)}` }),
      "bad_signature",
    );
    const other = await post(pipeline, body, { secret: "whsec_e1d2c3b4a5968778695a4b3c" });
    const { detail } = await expectRefused(other, "bad_signature");
    expect(detail).not.toContain("whsec_3b1f");
    await expectRefused(
      await post(pipeline, body, { sent: body.replace('"amount_total":4900', '"amount_total":4901') }),
      "bad_signature",
    );
    await expectRefused(await post(pipeline, body, { sent: `${body} ` }), "bad_signature");
    await expectRefused(await post(pipeline, body, { sent: "" }), "bad_signature");
    await expectRefused(await post(pipeline, ""), "not_json");
  });

  it("refuses a signature older or newer than 300 seconds, and takes one within [T2]", async () => {
    await expectRefused(await deliver(pipeline, purchase(), { shift: -301 }), "stale_timestamp");
    await expectRefused(await deliver(pipeline, purchase(), { shift: 302 }), "future_timestamp");
    const [late, early] = [purchase(), purchase()];
    accepted.add((await taken(await deliver(pipeline, late, { shift: -295 }))).txId);
    accepted.add((await taken(await deliver(pipeline, early, { shift: 299 }))).txId);
  });

  it("takes what either secret has signed while one is rotated, once [T29]", async () => {
    const event = purchase();
    const first = await taken(await deliver(pipeline, event, { secret: OLD_SECRET }));
    const again = await taken(await deliver(pipeline, event, { secret: NEW_SECRET }));
    expect(again).toEqual(first);
    accepted.add(first.txId);
  });

  it("refuses a body over 256 kB, whether or not its length is announced, and reads one of just that size [T4]", async () => {
    const tooLarge = "x".repeat(MAX_BODY_BYTES + 1);
    const announced = await expectProblem(await post(pipeline, tooLarge), "body-too-large");
    expect(announced.maxBytes).toBe(MAX_BODY_BYTES);
    await expectProblem(await post(pipeline, tooLarge, { sent: streamed(tooLarge) }), "body-too-large");
    await expectProblem(
      await post(pipeline, tooLarge, { secret: null, sent: streamed(tooLarge) }),
      "body-too-large",
    );
    const allowed = "x".repeat(MAX_BODY_BYTES);
    await expectRefused(await post(pipeline, allowed), "not_json");
    await expectRefused(await post(pipeline, allowed, { sent: streamed(allowed) }), "not_json");
  });

  it("takes a body that comes in pieces", async () => {
    const body = JSON.stringify(purchase());
    accepted.add((await taken(await post(pipeline, body, { sent: streamed(body) }))).txId);
  });

  it("refuses a signed body that is no snapshot event", async () => {
    for (const body of ["not JSON", '{"id":', "<html></html>"])
      await expectRefused(await post(pipeline, body), "not_json");
    const thin = {
      id: "evt_test_65",
      object: "v2.core.event",
      type: "v1.charge.refunded",
      related_object: { id: "ch_1", type: "charge", url: "/v1/charges/ch_1" },
    };
    const { detail } = await expectRefused(await deliver(pipeline, thin), "thin_event");
    expect(detail).toContain("Set STRIPE_API_KEY");
    await expectIgnored(await deliver(pipeline, { ...thin, type: "v1.customer.created" }), "other_type");
    const ping = { ...thin, type: "v2.core.event_destination.ping" };
    await expectIgnored(await deliver(pipeline, ping), "other_type");
    for (const body of ["null", "[]", '"event"', "{}", '{"object":"event"}'])
      await expectRefused(await post(pipeline, body), "unreadable_event");
    const event = purchase();
    const sessionless = { ...event, data: { object: { id: "cs_test_1" } } };
    await expectRefused(await deliver(pipeline, sessionless), "unreadable_event");

    const broken = Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d);
    await expectProblem(await post(pipeline, "{}", { sent: broken }), "invalid-body");
  });

  it("acknowledges an event of the other mode, of an account or of the own, and counts it [T3]", async () => {
    const before = (await ignoredCounts(pipeline)).other_mode ?? 0;
    const live = { ...purchase(), livemode: true };
    await expectIgnored(await deliver(pipeline, live), "other_mode");
    await expectIgnored(await deliver(pipeline, { ...live, account: "acct_1" }), "other_mode");
    await expectIgnored(await deliver(pipeline, { ...live, type: "customer.created" }), "other_mode");
    await until(async () => expect((await ignoredCounts(pipeline)).other_mode).toBe(before + 3));
    const metrics = await (await pipeline.operate("/api/metrics")).text();
    expect(metrics).toContain(`vdc_events_ignored_total{reason="other_mode"} ${before + 3}`);
  });

  it("acknowledges events that are not for us, says why and counts them", async () => {
    const before = await ignoredCounts(pipeline);
    const onceMore = (reason: string) => (before[reason] ?? 0) + 1;
    const unpaid = purchase({ paymentStatus: "unpaid" });
    await expectIgnored(await deliver(pipeline, unpaid), "not_paid_yet");
    await expectIgnored(
      await deliver(pipeline, { ...unpaid, type: "checkout.session.async_payment_failed" }),
      "payment_failed",
    );
    const setup = purchase({ paymentStatus: "no_payment_required" });
    await expectIgnored(await deliver(pipeline, withObject(setup, { mode: "setup" })), "setup_mode");
    const released = withObject(syntheticRefund(purchase()), { captured: false });
    await expectIgnored(await deliver(pipeline, released), "not_captured");
    await expectIgnored(await deliver(pipeline, fixture("stripe/invoice.paid.json")), "other_family");
    await expectIgnored(
      await deliver(pipeline, fixture("stripe/payment_intent.succeeded.json")),
      "other_family",
    );
    await expectIgnored(await deliver(pipeline, { ...purchase(), type: "customer.created" }), "other_type");
    await until(async () =>
      expect(await ignoredCounts(pipeline)).toMatchObject({
        not_paid_yet: onceMore("not_paid_yet"),
        setup_mode: 1,
        other_family: 2,
        other_type: onceMore("other_type"),
      }),
    );
  });

  it("makes an asset of a purchase that names one, else a payment, and a refund of a refund", async () => {
    const [deed, plain, free] = [
      purchase({ assetId: "deed-17", userId: "user-17" }),
      purchase(),
      purchase({ paymentStatus: "no_payment_required" }),
    ];
    const asset = await taken(await deliver(pipeline, deed));
    const payment = await taken(await deliver(pipeline, plain));
    const gift = await taken(await deliver(pipeline, free));
    const refund = await taken(await deliver(pipeline, syntheticRefund(deed)));
    expect([asset, payment, gift, refund].map(({ type }) => type)).toEqual([
      "asset_creation",
      "payment",
      "payment",
      "refund",
    ]);
    const txIds = [asset, payment, gift, refund].map(({ txId }) => txId);
    for (const txId of txIds) accepted.add(txId);
    const inChain = await mined(pipeline, txIds);
    expect(inChain.map(({ type, data }) => ({ type, data }))).toEqual([
      { type: "asset_creation", data: { assetId: "deed-17" } },
      { type: "payment", data: {} },
      { type: "payment", data: {} },
      { type: "refund", data: { refunds: asset.txId } },
    ]);
    expect(JSON.stringify(inChain)).not.toMatch(/buyer@|user-17|cs_test_|pi_|ch_|:4900|usd/);
  });

  it("says of a refund that its purchase is not known when the chain does not hold it", async () => {
    const elsewhere = await taken(await deliver(pipeline, syntheticRefund(purchase())));
    const event = purchase();
    const kept = await taken(await deliver(pipeline, event));
    await mined(pipeline, [kept.txId]);
    const ofKept = await taken(await deliver(pipeline, syntheticRefund(event)));
    const refunds = [elsewhere.txId, ofKept.txId];
    for (const txId of [kept.txId, ...refunds]) accepted.add(txId);
    expect((await mined(pipeline, refunds)).map(({ data }) => data)).toEqual([
      { refunds: null },
      { refunds: kept.txId },
    ]);
  });

  it("has brought into the chain what it took, each once, and nothing of all the rest", async () => {
    const last = await taken(await deliver(pipeline, purchase()));
    accepted.add(last.txId);
    await mined(pipeline, [...accepted]);
    expectMined(await checkChain(pipeline), [...accepted]);
    expect(await pendingKeys(pipeline)).toEqual([]);
    expect((await status(pipeline)).counts).toMatchObject({ pending: 0, mined: accepted.size, setAside: 0 });
    expect((await pipeline.r2.list({ prefix: r2Keys.deadLetterPrefix })).objects).toEqual([]);
  });
});

async function ignoredCounts(pipeline: Pipeline): Promise<Record<string, number>> {
  const response = await pipeline.operate("/api/vdc/status");
  const { ignored }: { ignored: Record<string, number> } = await response.json();
  return ignored;
}

function withObject(event: SyntheticEvent, changes: Record<string, string | boolean>): SyntheticEvent {
  return { ...event, data: { ...event.data, object: { ...event.data.object, ...changes } } };
}

/** Sends the text in chunks, and so without Content-Length. */
function streamed(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const CHUNK = 50_000;
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(sent, (sent += CHUNK)));
    },
  });
}
