import type { Env } from "./env.ts";

export interface Backlog {
  readonly messages: number;
  readonly bytes: number;
  /** Milliseconds since the epoch; null when nothing waits. */
  readonly oldestAt: number | null;
}

/** What waits in the queues of the block stages, as the platform counts it (best effort). */
export async function backlogs(env: Env): Promise<Record<string, Backlog>> {
  const queues = {
    miner: env.MINER_QUEUE,
    "tier-persister": env.TIER_PERSISTER_QUEUE,
    indexer: env.INDEXER_QUEUE,
    "pending-cleaner": env.PENDING_CLEANER_QUEUE,
  };
  const measured = await Promise.all(
    Object.entries(queues).map(async ([stage, queue]) => {
      const { backlogCount, backlogBytes, oldestMessageTimestamp } = await queue.metrics();
      const backlog: Backlog = {
        messages: backlogCount,
        bytes: backlogBytes,
        oldestAt: oldestMessageTimestamp?.getTime() ?? null,
      };
      return [stage, backlog] as const;
    }),
  );
  return Object.fromEntries(measured);
}
