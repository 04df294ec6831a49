import * as v from "valibot";

/** Messages that wait in a queue, as the platform counts them (best effort). */
export const Backlog = v.strictObject({
  messages: v.number(),
  bytes: v.number(),
  /** Milliseconds since the epoch; null when the queue is empty. */
  oldestAt: v.nullable(v.number()),
});
export type Backlog = v.InferOutput<typeof Backlog>;

export async function measureBacklog(queue: Queue): Promise<Backlog> {
  const { backlogCount, backlogBytes, oldestMessageTimestamp } = await queue.metrics();
  return {
    messages: backlogCount,
    bytes: backlogBytes,
    oldestAt: oldestMessageTimestamp?.getTime() ?? null,
  };
}

export interface IntakeEnv {
  readonly INGEST_WEBHOOK: Fetcher;
}

export const BACKLOG_PATH = "/backlog";

/**
 * Backlog of payments that were taken and are not admitted yet: the webhook's own queue, which ingest-webhook alone
 * feeds.
 */
export async function intakeBacklog(env: IntakeEnv): Promise<Backlog> {
  const response = await env.INGEST_WEBHOOK.fetch(`https://ingest-webhook${BACKLOG_PATH}`);
  return v.parse(Backlog, await response.json());
}
