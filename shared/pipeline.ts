/**
 * The map of the pipeline. A contract test holds every `wrangler.toml`, and the README's picture, against it.
 *
 * Stripe → gateway → ingest-webhook → pending-writer → chain-head → miner → tier-persister → indexer → pending-cleaner
 *
 * chain-head → checkpointer: the published blocks become checkpoints of the transparency logs.
 */

/**
 * How a queue feeds its Worker. Each wrangler.toml writes every value out, because local and production defaults differ.
 */
export interface Consumer {
  readonly max_batch_size: number;
  /** Seconds. */
  readonly max_batch_timeout: number;
  /** After this number of retries the message goes to the dead-letter queue, and from there to `dead-letters`. */
  readonly max_retries: number;
  /** Seconds; `shared/queue/consume.ts` asks for its own delays. */
  readonly retry_delay: number;
  readonly max_concurrency?: number;
}

/**
 * The Durable Objects. Each has one instance for a chain, named by CHAIN_ID; only user-metadata has one for each user,
 * named by the user's id. A Worker that touches an object holds a binding to its class.
 */
export const DURABLE_OBJECTS = {
  "chain-head": { className: "ChainHead", worker: "chain-head" },
  monitor: { className: "Monitor", worker: "monitor" },
  "dead-letters": { className: "DeadLetters", worker: "dead-letters" },
  "storage-runs": { className: "StorageRuns", worker: "storage-verifier" },
  "document-index": { className: "DocumentIndex", worker: "storage-verifier" },
  "audit-log": { className: "AuditLog", worker: "audit-log" },
  "user-metadata": { className: "UserMetadata", worker: "accounts" },
  "log-head": { className: "LogHead", worker: "checkpointer" },
} as const satisfies Record<string, { className: string; worker: WorkerName }>;

export type DurableObjectName = keyof typeof DURABLE_OBJECTS;

/** A platform binding of a Worker. Each Worker holds only the bindings that its work needs. */
export type Resource =
  | DurableObjectName
  | "kv"
  | "r2"
  | "pinata"
  | "signing-keys"
  | "log-keys"
  | "encryption-key"
  | "stripe"
  | "stripe-api"
  | "admin"
  | "rate-limits"
  | "alert-webhook";

/**
 * Rate limits for one address (in the gateway) or one signing key (in accounts), in each of Cloudflare's locations: about
 * `limit` times in `period` seconds. They guard against abuse and are not an exact count. A namespace belongs to the
 * account: two deployments with the same namespace would share their counts.
 */
export const RATE_LIMITS = {
  PUBLIC_WRITES: { namespace_id: "4801", simple: { limit: 300, period: 60 } },
  UNKNOWN_READS: { namespace_id: "4802", simple: { limit: 300, period: 60 } },
  PUBLIC_UPLOADS: { namespace_id: "4803", simple: { limit: 60, period: 60 } },
  KEY_WRITES: { namespace_id: "4804", simple: { limit: 120, period: 60 } },
  KEY_UPLOADS: { namespace_id: "4805", simple: { limit: 30, period: 60 } },
} as const;

export type RateLimitName = keyof typeof RATE_LIMITS;

/** The limits that each Worker counts. */
export const RATE_LIMITS_OF = {
  gateway: ["PUBLIC_WRITES", "UNKNOWN_READS", "PUBLIC_UPLOADS"],
  accounts: ["KEY_WRITES", "KEY_UPLOADS"],
} as const satisfies Partial<Record<WorkerName, readonly RateLimitName[]>>;

export interface WorkerPlan {
  readonly does: string;
  readonly http?: "public" | "service";
  readonly cron?: string;
  readonly consumes?: Consumer;
  readonly produces?: readonly StageName[];
  readonly calls?: readonly WorkerName[];
  readonly touches: readonly Resource[];
}

/**
 * `retry_delay` counts only when a Worker fails before `shared/queue/consume.ts` can choose a delay: a bad deployment, say. The
 * delay is short, so that the dead letters have the message long before it expires, and replay it when the stage works
 * again.
 */
const BLOCK_STAGE = { max_batch_size: 1, max_batch_timeout: 0, max_retries: 100, retry_delay: 300 } as const;

export const WORKERS = {
  gateway: {
    does: "routes HTTP: the webhook, the public read API, the operator's calls",
    http: "public",
    calls: ["ingest-webhook", "storage-verifier", "accounts"],
    touches: [
      "kv",
      "r2",
      "chain-head",
      "log-head",
      "monitor",
      "dead-letters",
      "audit-log",
      "admin",
      "rate-limits",
    ],
  },
  "ingest-webhook": {
    does: "verifies Stripe's signature, makes a transaction of the event, encrypts it, enqueues it",
    http: "service",
    produces: ["pending-writer"],
    touches: ["stripe", "stripe-api", "encryption-key"],
  },
  accounts: {
    does: "takes what users sign: submissions, documents, metadata; checks it, then enqueues or keeps it",
    http: "service",
    cron: "*/10 * * * *",
    produces: ["pending-writer"],
    touches: [
      "kv",
      "r2",
      "chain-head",
      "dead-letters",
      "document-index",
      "user-metadata",
      "encryption-key",
      "rate-limits",
    ],
  },
  "pending-writer": {
    does: "writes pending/{txId}.json once, admits it to the chain head",
    consumes: { max_batch_size: 100, max_batch_timeout: 1, max_retries: 100, retry_delay: 300 },
    produces: [],
    touches: ["r2", "chain-head", "monitor"],
  },
  miner: {
    does: "reserves, decrypts, builds, signs, stages and seals a block",
    cron: "* * * * *",
    // A single block is reserved at a time, so a second miner could only build the same block again.
    consumes: { ...BLOCK_STAGE, max_concurrency: 1 },
    produces: ["tier-persister"],
    touches: ["r2", "chain-head", "monitor", "log-head", "signing-keys"],
  },
  "tier-persister": {
    does: "stores a sealed block in R2, IPFS and KV",
    consumes: { ...BLOCK_STAGE, max_concurrency: 2 },
    produces: ["indexer"],
    touches: ["r2", "kv", "pinata", "chain-head", "monitor"],
  },
  indexer: {
    does: "points transactions and assets to their block",
    // KV has no compare-and-swap: of two blocks about one asset, the older could be written last.
    consumes: { ...BLOCK_STAGE, max_concurrency: 1 },
    produces: ["pending-cleaner"],
    touches: ["kv", "chain-head", "monitor"],
  },
  "pending-cleaner": {
    does: "archives the private parts of a finished block and deletes its pending objects",
    consumes: BLOCK_STAGE,
    produces: [],
    touches: ["r2", "chain-head", "monitor"],
  },
  checkpointer: {
    does: "signs checkpoints of the two transparency logs over the published blocks, stores their tiles, has them cosigned and stamped",
    cron: "* * * * *",
    // Checkpoints follow one another, so a second checkpointer could only sign the same one again.
    consumes: { ...BLOCK_STAGE, max_concurrency: 1 },
    produces: ["miner"],
    touches: ["r2", "chain-head", "monitor", "log-head", "log-keys"],
  },
  "chain-head": {
    does: "decides: the Durable Object that is the single writer of the chain",
    produces: ["miner", "tier-persister", "indexer", "pending-cleaner", "checkpointer"],
    touches: ["kv", "r2"],
  },
  "storage-verifier": {
    does: "pins documents, checks the bytes of every block and document in every tier and the logs' tiles, restores what is missing from what is sound",
    http: "service",
    cron: "0 3 * * *",
    consumes: { ...BLOCK_STAGE, max_concurrency: 1 },
    produces: [],
    touches: [
      "r2",
      "kv",
      "pinata",
      "chain-head",
      "monitor",
      "dead-letters",
      "log-head",
      "storage-runs",
      "document-index",
      "audit-log",
    ],
  },
  "dead-letters": {
    does: "parks every message that no stage could take, and replays it once its stage works again, or an operator has mended its cause",
    produces: [
      "pending-writer",
      "miner",
      "tier-persister",
      "indexer",
      "pending-cleaner",
      "checkpointer",
      "storage-verifier",
    ],
    touches: ["r2", "chain-head", "monitor", "dead-letters", "audit-log"],
  },
  monitor: {
    does: "counts what the stages report, and keeps the state of the alerts",
    touches: [],
  },
  alerts: {
    does: "checks every minute what an operator must know, and posts it to the alert webhook",
    cron: "* * * * *",
    calls: ["ingest-webhook", "storage-verifier"],
    touches: ["chain-head", "monitor", "dead-letters", "alert-webhook"],
  },
  "audit-log": {
    does: "keeps what operators did: the Durable Object with the hash-linked log",
    touches: [],
  },
} as const satisfies Record<string, WorkerPlan>;

export type WorkerName =
  | "gateway"
  | "ingest-webhook"
  | "accounts"
  | "pending-writer"
  | "miner"
  | "tier-persister"
  | "indexer"
  | "pending-cleaner"
  | "checkpointer"
  | "chain-head"
  | "storage-verifier"
  | "dead-letters"
  | "monitor"
  | "alerts"
  | "audit-log";

/** A Worker that a queue feeds. */
export type StageName =
  | "pending-writer"
  | "miner"
  | "tier-persister"
  | "indexer"
  | "pending-cleaner"
  | "checkpointer"
  | "storage-verifier";

export const STAGES = [
  "pending-writer",
  "miner",
  "tier-persister",
  "indexer",
  "pending-cleaner",
  "checkpointer",
  "storage-verifier",
] as const satisfies readonly StageName[];

/**
 * Workers in this repository that are no part of a deployment of VDC. Another party runs them on an account of its own, so they
 * hold no binding of the pipeline, and no Worker of the pipeline has a binding to them.
 */
export const STANDALONE_WORKERS = ["witness"] as const;
export type StandaloneWorker = (typeof STANDALONE_WORKERS)[number];

export const workerName = (worker: WorkerName | StandaloneWorker): string => `vdc-${worker}`;
export const queueName = (stage: StageName): string => `vdc-${stage}`;
export const deadLetterQueueName = (stage: StageName): string => `${queueName(stage)}-dlq`;

/** Finds the stage of a dead-letter queue; `undefined` for a queue that is not VDC's. */
export function stageOfDeadLetterQueue(queue: string): StageName | undefined {
  return STAGES.find((stage) => deadLetterQueueName(stage) === queue);
}

/** Time for which a stage's queue keeps a message: the platform's default on a paid plan. An expired message is deleted. */
export const QUEUE_RETENTION_SECONDS = 4 * 86_400;

/**
 * Time for which a stage tries a message. An expired message reaches no dead-letter queue, so a stage gives a message
 * up while the queue still has it, with a margin for late delivery.
 */
export const RETRIED_FOR_SECONDS = QUEUE_RETENTION_SECONDS - 6 * 3_600;

/** Time for which a dead-letter queue keeps a message: the longest that the platform allows (docs/deploy.md sets it). */
export const DEAD_LETTER_RETENTION_SECONDS = 14 * 86_400;

/**
 * How the dead-letter queues are read. They have no dead-letter queue of their own, so their retries must last as long as
 * the queue keeps a message: retries × delay ≥ retention.
 */
export const DEAD_LETTER_CONSUMER = {
  max_batch_size: 10,
  max_batch_timeout: 1,
  max_retries: 100,
  retry_delay: 12_100,
} as const satisfies Consumer;
