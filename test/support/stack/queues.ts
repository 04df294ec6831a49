import { queueName, workerName, type StageName } from "../../../shared/pipeline.ts";
import type { Pipeline } from "./pipeline.ts";

/** A message as the platform delivers it; `attempts` counts from 1. */
export interface Delivery {
  readonly body: unknown;
  readonly id?: string;
  readonly attempts?: number;
}

/** The consumer's verdict on each message, by id. A message in neither list was never settled. */
export interface Settled {
  readonly acked: readonly string[];
  readonly retried: readonly string[];
}

interface Consumer {
  queue(queue: string, messages: object[]): Promise<unknown>;
}

interface QueueResult {
  readonly outcome: string;
  readonly ackAll: boolean;
  readonly explicitAcks: string[];
  readonly retryMessages: { readonly msgId: string }[];
}

/** Hands a batch to the stage's consumer directly. A test can repeat messages and choose their order and attempts. */
export function deliverTo(
  pipeline: Pipeline,
  stage: StageName,
  deliveries: readonly Delivery[],
): Promise<Settled> {
  return handOver(pipeline, workerName(stage), queueName(stage), deliveries);
}

/** Hands a batch to the consumer of any Worker and queue. */
export async function handOver(
  { harness }: Pipeline,
  worker: string,
  queue: string,
  deliveries: readonly Delivery[],
): Promise<Settled> {
  const consumer = (await harness.getWorker(worker).getExport()) as Consumer;
  const timestamp = new Date();
  const messages = deliveries.map(({ body, id, attempts }, i) => ({
    id: id ?? `delivery-${i}`,
    attempts: attempts ?? 1,
    body,
    timestamp,
  }));
  const result = (await consumer.queue(queue, messages)) as QueueResult;
  if (result.outcome !== "ok" || result.ackAll)
    throw new Error(`the consumer of ${queue} threw or settled as a whole`);
  return {
    acked: result.explicitAcks.toSorted(),
    retried: result.retryMessages.map(({ msgId }) => msgId).toSorted(),
  };
}

const PRODUCER = {
  "pending-writer": ["ingest-webhook", "PENDING_WRITER_QUEUE"],
  miner: ["chain-head", "MINER_QUEUE"],
  "tier-persister": ["chain-head", "TIER_PERSISTER_QUEUE"],
  indexer: ["chain-head", "INDEXER_QUEUE"],
  "pending-cleaner": ["chain-head", "PENDING_CLEANER_QUEUE"],
  checkpointer: ["chain-head", "CHECKPOINTER_QUEUE"],
  "storage-verifier": ["storage-verifier", "STORAGE_VERIFIER_QUEUE"],
} as const satisfies Record<StageName, readonly [string, string]>;

const MESSAGES_A_BATCH = 70; // an encrypted payment has about 3 kB, a batch at most 256 kB

/** Puts messages into the stage's real queue, as its producer does. */
export async function enqueue(
  { harness }: Pipeline,
  stage: StageName,
  bodies: readonly unknown[],
): Promise<void> {
  const [producer, binding] = PRODUCER[stage];
  const env = (await harness.getWorker(workerName(producer)).getEnv()) as Record<string, Queue>;
  for (let i = 0; i < bodies.length; i += MESSAGES_A_BATCH)
    await env[binding]?.sendBatch(bodies.slice(i, i + MESSAGES_A_BATCH).map((body) => ({ body })));
}
