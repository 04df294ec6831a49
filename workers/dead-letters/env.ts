import type { AuditEnv } from "../../shared/objects/audit-log.ts";
import type { ChainHeadEnv } from "../../shared/objects/chain-head.ts";
import type { DeadLettersEnv } from "../../shared/objects/dead-letters.ts";
import type { MonitorEnv } from "../../shared/objects/monitor.ts";
import type { StageName } from "../../shared/pipeline.ts";

export interface Env extends AuditEnv, ChainHeadEnv, DeadLettersEnv, MonitorEnv {
  readonly R2: R2Bucket;
  readonly PENDING_WRITER_QUEUE: Queue;
  readonly MINER_QUEUE: Queue;
  readonly TIER_PERSISTER_QUEUE: Queue;
  readonly INDEXER_QUEUE: Queue;
  readonly PENDING_CLEANER_QUEUE: Queue;
  readonly CHECKPOINTER_QUEUE: Queue;
  readonly STORAGE_VERIFIER_QUEUE: Queue;
}

/** Returns the stage's own queue, to which a replay sends its message. */
export function queueOf(stage: StageName, env: Env): Queue {
  const queues: Record<StageName, Queue> = {
    "pending-writer": env.PENDING_WRITER_QUEUE,
    miner: env.MINER_QUEUE,
    "tier-persister": env.TIER_PERSISTER_QUEUE,
    indexer: env.INDEXER_QUEUE,
    "pending-cleaner": env.PENDING_CLEANER_QUEUE,
    checkpointer: env.CHECKPOINTER_QUEUE,
    "storage-verifier": env.STORAGE_VERIFIER_QUEUE,
  };
  return queues[stage];
}
