import { measureBacklog, type Backlog } from "../../../shared/queue/backlog.ts";
import type { Env } from "../env.ts";

/** Reads the backlog of each block stage's queue. */
export async function backlogs(env: Env): Promise<Record<string, Backlog>> {
  const queues = {
    miner: env.MINER_QUEUE,
    "tier-persister": env.TIER_PERSISTER_QUEUE,
    indexer: env.INDEXER_QUEUE,
    "pending-cleaner": env.PENDING_CLEANER_QUEUE,
    checkpointer: env.CHECKPOINTER_QUEUE,
  };
  const measured = await Promise.all(
    Object.entries(queues).map(async ([stage, queue]) => [stage, await measureBacklog(queue)] as const),
  );
  return Object.fromEntries(measured);
}
