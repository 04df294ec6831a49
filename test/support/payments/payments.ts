import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import {
  signStripeBody,
  syntheticCheckout,
  type SyntheticCheckout,
  type SyntheticEvent,
} from "../../../cli/local/stripe/synthetic.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { until } from "../stack/patience.ts";
import type { Pipeline } from "../stack/pipeline.ts";

/** Makes a new paid checkout, unless the test gives a seed. */
export function purchase(facts: Partial<SyntheticCheckout> = {}): SyntheticEvent {
  return syntheticCheckout({ seed: randomUUID(), created: Math.floor(Date.now() / 1_000), ...facts });
}

/** Posts the event as Stripe does. */
export async function deliver(pipeline: Pipeline, event: SyntheticEvent): Promise<Response> {
  const body = JSON.stringify(event);
  const signature = signStripeBody(
    body,
    pipeline.secrets.STRIPE_WEBHOOK_SECRET,
    Math.floor(Date.now() / 1_000),
  );
  return pipeline.fetch("/api/stripe/webhook", {
    method: "POST",
    headers: { "stripe-signature": signature },
    body,
  });
}

/** Delivers an event and expects that it is accepted. @returns its transaction's id */
export async function pay(pipeline: Pipeline, event: SyntheticEvent = purchase()): Promise<string> {
  const response = await deliver(pipeline, event);
  const body: { txId?: string } = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  expect(body.txId).toMatch(/^vdc_tx_[0-9a-f]{40}$/);
  return body.txId as string;
}

/** Makes distinct payments, several at a time. */
export async function payMany(pipeline: Pipeline, count: number): Promise<string[]> {
  const txIds: string[] = [];
  while (txIds.length < count) {
    const size = Math.min(50, count - txIds.length);
    txIds.push(...(await Promise.all(Array.from({ length: size }, () => pay(pipeline)))));
  }
  return txIds;
}

export interface Status {
  latest: number | null;
  halted: { reason: string } | null;
  counts: {
    pending: number;
    waiting: number;
    mined: number;
    setAside: number;
    refused: number;
    blocks: number;
    awaitingPayment: number;
    paidUnreleased: number;
  };
  inFlight: { blockNumber: number; state: string; stage: string }[];
  failures: { txId: string; reason: string; parked: boolean }[];
}

export async function status(pipeline: Pipeline): Promise<Status> {
  const response = await pipeline.operate("/api/vdc/status");
  expect(response.status).toBe(200);
  return response.json();
}

/** Waits until the chain head has this many pending transactions. */
export function untilWaiting(pipeline: Pipeline, count: number): Promise<void> {
  return until(async () => expect((await status(pipeline)).counts.waiting).toBe(count));
}

/** Waits until no block is in flight and no transaction is pending. */
export function untilIdle(pipeline: Pipeline): Promise<void> {
  return until(async () => {
    const { inFlight, counts } = await status(pipeline);
    expect({ inFlight, pending: counts.pending }).toEqual({ inFlight: [], pending: 0 });
  });
}

export interface MinedBlock {
  blockNumber: number;
  hash: string;
  ipfsHash: string;
  r2Key: string;
  transactions: number;
}

/** Asks for a block as an operator. @returns the finished block */
export async function mine(pipeline: Pipeline): Promise<MinedBlock> {
  const response = await pipeline.operate("/api/vdc/mine?wait=60", { method: "POST" });
  const body: MinedBlock = await response.json();
  if (response.status === 202) return finished(pipeline, body.blockNumber); // the machine is slow
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body;
}

async function finished(pipeline: Pipeline, blockNumber: number): Promise<MinedBlock> {
  await until(async () => {
    const { counts, inFlight } = await status(pipeline);
    expect(counts.blocks).toBeGreaterThan(blockNumber);
    expect(inFlight.map((block) => block.blockNumber)).not.toContain(blockNumber);
  });
  const block: { hash: string; ipfsHash: string; transactionCount: number } = await (
    await pipeline.fetch(`/api/vdc/blocks/${blockNumber}`)
  ).json();
  const { hash, ipfsHash, transactionCount: transactions } = block;
  return { blockNumber, hash, ipfsHash, r2Key: r2Keys.block(blockNumber), transactions };
}
