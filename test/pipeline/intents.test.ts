import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { payloadOfSubmission, type Submission } from "../../shared/chain/submission.ts";
import { canonicalBytes } from "../../shared/crypto/canonical.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { pendingMetadata } from "../../shared/storage/pending.ts";
import { syntheticRefund } from "../../cli/local/stripe/synthetic.ts";
import {
  CHAIN_ID,
  creation,
  newUser,
  postSubmission,
  registration,
  signed,
  submitSigned,
} from "../support/users/accounts.ts";
import { keysOf } from "../support/chain/chain-state.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import { mine, pay, purchase, status } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { payloadOf, seal, submit, writeUnseen } from "../support/payments/sealed-payments.ts";
import { startChain } from "../support/chain/started-chain.ts";
import { restore, untilRunEnds } from "../support/stack/storage.ts";
import { transplant } from "../support/chain/transplant.ts";

const PAID = { PAID_TYPES: "asset_creation, asset_transfer" };

const statusOf = async (pipeline: Pipeline, txId: string) => {
  const response = await pipeline.fetch(`/api/vdc/transactions/${txId}`);
  const answer = await response.json<{ state: string; expiresAt?: number; indexedThrough?: object }>();
  const { indexedThrough: _, ...status } = answer; // it grows by itself
  return status;
};
const untilState = (pipeline: Pipeline, txId: string, state: string) =>
  until(async () => expect(await statusOf(pipeline, txId)).toMatchObject({ state }));
const posted = async (pipeline: Pipeline, submission: Submission) => {
  const response = await postSubmission(pipeline, submission);
  return [response.status, await response.json()] as const;
};
const payloadIdOf = (submission: Submission) => payloadOfSubmission(CHAIN_ID, submission).transaction.id;
const paymentFor = (txId: string) => purchase({ clientReferenceId: txId });

let asset = 0;
const paidSubmission = async () => signed(await newUser(), creation(`title-${++asset}`));

/** Returns the submission's transactions in the chain, after a check of every tier. */
const inChain = async (pipeline: Pipeline, txId: string) =>
  (await checkChain(pipeline)).flatMap(({ transactions }) => transactions).filter(({ id }) => id === txId);

/** Puts a submission into `intents/` without a call of the chain head, as if accounts had died in between. */
async function keepUnseen(pipeline: Pipeline, submission: Submission): Promise<void> {
  const message = await seal(pipeline, payloadOfSubmission(CHAIN_ID, submission));
  const { txId, envelope, timestamp, size } = message;
  const customMetadata = pendingMetadata({ timestamp, size });
  await pipeline.r2.put(r2Keys.intent(txId), canonicalBytes(envelope), { customMetadata });
}

/** Pays for a submission, sends it afterwards, and expects that it does not wait for its payment. */
async function expectPaidThenTaken(pipeline: Pipeline, submission: Submission): Promise<void> {
  const txId = payloadIdOf(submission);
  await submit(pipeline, paymentFor(txId));
  expect(await statusOf(pipeline, txId)).toEqual({ txId, state: "awaiting_submission" });
  expect(await posted(pipeline, submission)).toMatchObject([202, { txId, state: "pending" }]);
  expect(await keysOf(pipeline, r2Keys.intentPrefix)).toEqual([]);
  await untilState(pipeline, txId, "pending");
  await mine(pipeline);
  expect(await inChain(pipeline, txId)).toHaveLength(1);
}

describe("a type that is paid for", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startChain({ vars: PAID });
  });
  afterAll(() => pipeline.close());

  it("waits, encrypted, until a payment names it, and is mined then, with the payment [T6 T13]", async () => {
    const submission = await paidSubmission();
    const [code, body] = await posted(pipeline, submission);
    expect([code, body]).toMatchObject([202, { state: "awaiting_payment" }]);
    const { txId } = body as { txId: string };
    expect(await posted(pipeline, submission), "the same again").toEqual([code, body]);
    const waiting = await statusOf(pipeline, txId);
    expect(waiting).toEqual({
      txId,
      state: "awaiting_payment",
      since: expect.any(Number),
      expiresAt: expect.any(Number),
    });
    expect((waiting.expiresAt ?? 0) - Date.now()).toBeGreaterThan(29 * 86_400_000);
    expect((await status(pipeline)).counts).toMatchObject({ awaitingPayment: 1, pending: 0 });
    const stored = await (await pipeline.r2.get(r2Keys.intent(txId)))?.json<object>();
    expect(Object.keys(stored ?? {}).toSorted()).toEqual(["ct", "enc", "kid", "suite", "txId", "v"]);
    expect(await mine(pipeline)).toMatchObject({ mined: false });

    const event = paymentFor(txId);
    const paymentId = await pay(pipeline, event);
    expect(await pay(pipeline, event), "Stripe delivers twice").toBe(paymentId);
    await untilState(pipeline, txId, "pending");
    const refundId = await pay(pipeline, syntheticRefund(event));
    await untilState(pipeline, refundId, "pending");
    await mine(pipeline);
    expect(await inChain(pipeline, txId)).toMatchObject([{ signatures: submission.signatures }]);
    expect(await inChain(pipeline, paymentId)).toMatchObject([{ type: "payment", data: { pays: txId } }]);
    expect(await keysOf(pipeline, r2Keys.intentPrefix)).toEqual([]);
    expect((await status(pipeline)).counts).toMatchObject({ awaitingPayment: 0, paidUnreleased: 0 });
    expect(await posted(pipeline, submission)).toMatchObject([202, { txId, state: "mined" }]);
  });

  it("may be paid first: then it goes straight through", async () => {
    const submission = await paidSubmission();
    const txId = payloadIdOf(submission);
    const before = await pipeline.fetch(`/api/vdc/transactions/${txId}`);
    expect(before.status).toBe(404);
    await expectPaidThenTaken(pipeline, submission);
  });

  it("is mined once when two payments name it; both are payments", async () => {
    const submission = await paidSubmission();
    const txId = await submitSigned(pipeline, submission);
    const payments = await Promise.all([
      submit(pipeline, paymentFor(txId)),
      submit(pipeline, paymentFor(txId)),
    ]);
    await untilState(pipeline, txId, "pending");
    await mine(pipeline);
    expect(await inChain(pipeline, txId)).toHaveLength(1);
    for (const payment of payments) expect(await inChain(pipeline, payment)).toHaveLength(1);
  });

  it("keeps its asset's id to itself: a payment that names a submission creates nothing", async () => {
    const txId = await submitSigned(pipeline, await paidSubmission());
    const paymentId = await submit(pipeline, purchase({ clientReferenceId: txId, assetId: "not-this-one" }));
    await mine(pipeline);
    expect(await inChain(pipeline, paymentId)).toMatchObject([{ type: "payment", data: { pays: txId } }]);
  });

  it("does not concern other types: a registration is mined without a payment, and one for it is a payment", async () => {
    const user = await newUser();
    const own = await signed(user, registration(user));
    expect(await posted(pipeline, own)).toMatchObject([202, { state: "pending" }]);
    const txId = payloadIdOf(own);
    await untilState(pipeline, txId, "pending");
    await submit(pipeline, paymentFor(txId));
    await mine(pipeline);
    expect(await inChain(pipeline, txId)).toHaveLength(1);
    expect((await status(pipeline)).counts).toMatchObject({ paidUnreleased: 0, pending: 0 });
  });

  it("is swept up when accounts died before the chain head knew of it", async () => {
    const submission = await paidSubmission();
    const txId = payloadIdOf(submission);
    await keepUnseen(pipeline, submission);
    await submit(pipeline, paymentFor(txId));
    expect(await statusOf(pipeline, txId)).toEqual({ txId, state: "awaiting_submission" });
    await pipeline.fireCron("accounts");
    expect(await statusOf(pipeline, txId)).toMatchObject({ state: "pending" });
    expect(await keysOf(pipeline, r2Keys.intentPrefix)).toEqual([]);
    await mine(pipeline);
    expect(await inChain(pipeline, txId)).toMatchObject([{ signatures: submission.signatures }]);
  });

  it("is paid also by a payment that pending-writer wrote just before it died", async () => {
    const txId = await submitSigned(pipeline, await paidSubmission());
    await writeUnseen(pipeline, await seal(pipeline, payloadOf(paymentFor(txId))));
    expect(await statusOf(pipeline, txId)).toMatchObject({ state: "awaiting_payment" });
    await pipeline.fireCron("miner");
    expect(await statusOf(pipeline, txId)).toMatchObject({ state: "paid" });
    expect((await status(pipeline)).counts).toMatchObject({ paidUnreleased: 1 });
    await pipeline.fireCron("accounts");
    expect(await statusOf(pipeline, txId)).toMatchObject({ state: "pending" });
    await mine(pipeline);
    expect(await inChain(pipeline, txId)).toHaveLength(1);
  });

  it("survives the loss of the chain head: what waits goes on waiting, what is paid is released", async () => {
    const waiting = await paidSubmission();
    const waitingId = await submitSigned(pipeline, waiting);
    const paid = await paidSubmission();
    const paidId = payloadIdOf(paid);
    await submit(pipeline, paymentFor(paidId));
    await mine(pipeline);
    // The submission's bytes are in intents/, its payment is in a block, and it is not released.
    await keepUnseen(pipeline, paid);

    const other = await startPipeline({ vars: PAID, secrets: pipeline.secrets });
    try {
      await transplant(pipeline, other, { r2: true, kv: true });
      await other.fireCron("accounts");
      expect(await statusOf(other, paidId), "the blocks are not known yet").toMatchObject({
        state: "awaiting_payment",
      });
      const run: { id: string } = await (await restore(other)).json();
      await untilRunEnds(other, run.id);
      await other.fireCron("accounts");
      expect(await statusOf(other, waitingId)).toMatchObject({ state: "awaiting_payment" });
      expect(await statusOf(other, paidId)).toMatchObject({ state: "pending" });
      await submit(other, paymentFor(waitingId));
      expect(await statusOf(other, waitingId)).toMatchObject({ state: "pending" });
      expect(await keysOf(other, r2Keys.intentPrefix)).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

describe("an intent that was not paid in time", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startChain({ vars: { ...PAID, INTENT_TTL_DAYS: "0.00001" } }); // a second
  });
  afterAll(() => pipeline.close());

  it("leaves a trace, is refused when it comes again, and is taken when it was paid late after all", async () => {
    const submission = await paidSubmission();
    const txId = await submitSigned(pipeline, submission);
    await untilState(pipeline, txId, "expired");
    expect(await statusOf(pipeline, txId)).toEqual({ txId, state: "expired", expiredAt: expect.any(Number) });
    await pipeline.fireCron("accounts");
    expect(await keysOf(pipeline, r2Keys.intentPrefix)).toEqual([]);
    expect(await posted(pipeline, submission)).toMatchObject([
      409,
      { type: "urn:vdc:problem:intent-expired" },
    ]);

    await expectPaidThenTaken(pipeline, submission);
  });

  it("is not one that was paid before it was submitted", async () => {
    const submission = await paidSubmission();
    const txId = payloadIdOf(submission);
    await submit(pipeline, paymentFor(txId));
    await untilState(pipeline, await submitSigned(pipeline, await paidSubmission()), "expired"); // its intent has expired by now
    expect(await posted(pipeline, submission)).toMatchObject([202, { txId, state: "pending" }]);
    await untilState(pipeline, txId, "pending");
  });
});

describe("a deployment whose PAID_TYPES names a type that is none", () => {
  it("takes nothing, and says so", async () => {
    const pipeline = await startPipeline({ vars: { PAID_TYPES: "asset_creation,asset_transfers" } });
    try {
      expect(await posted(pipeline, await paidSubmission())).toMatchObject([
        503,
        { type: "urn:vdc:problem:not-configured", detail: expect.stringContaining("PAID_TYPES") },
      ]);
    } finally {
      await pipeline.close();
    }
  });
});
