import * as v from "valibot";
import type { ChainRules } from "../../shared/chain/rules.ts";
import type {
  CheckpointBlock,
  CleanBlock,
  IndexBlock,
  MineRequest,
  PersistBlock,
  SetAside,
} from "../../shared/queue/messages.ts";

export interface Env {
  readonly KV: KVNamespace;
  /** The chain head reads R2 before a chain begins here, and never writes it. */
  readonly R2: R2Bucket;
  readonly MINER_QUEUE: Queue<MineRequest>;
  readonly TIER_PERSISTER_QUEUE: Queue<PersistBlock>;
  readonly INDEXER_QUEUE: Queue<IndexBlock>;
  readonly PENDING_CLEANER_QUEUE: Queue<CleanBlock>;
  readonly CHECKPOINTER_QUEUE: Queue<CheckpointBlock>;
  /** The miner's dead-letter queue; it carries set-aside transactions. */
  readonly SET_ASIDE_QUEUE: Queue<SetAside>;
  readonly MINING_MODE: string;
  readonly MINE_AT_COUNT: string;
  readonly MINE_AFTER_SECONDS: string;
  readonly BLOCK_MAX_TRANSACTIONS: string;
  readonly BLOCK_MAX_BYTES: string;
  readonly MAX_BLOCKS_IN_FLIGHT: string;
  readonly STALL_AFTER_SECONDS: string;
  readonly WRITE_LANDS_WITHIN_SECONDS: string;
  readonly INTENT_TTL_DAYS: string;
}

const Whole = (least: number, most: number) =>
  v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number), v.minValue(least), v.maxValue(most));

const Days = v.pipe(
  v.string(),
  v.regex(/^\d+(?:\.\d+)?$/),
  v.transform(Number),
  v.gtValue(0),
  v.maxValue(36_500),
);

const Settings = v.object({
  MINING_MODE: v.picklist(["auto", "approval"]),
  MINE_AT_COUNT: Whole(1, 1_000_000),
  MINE_AFTER_SECONDS: Whole(1, 86_400),
  BLOCK_MAX_TRANSACTIONS: Whole(1, 2_000), // the miner and pending-cleaner make one R2 read for each
  // A transaction of the largest size always fits. A signed transaction of 5 kB may have a private part of 120 kB. The cleaner,
  // a reader and an erasure hold the archive of a whole block in memory several times.
  BLOCK_MAX_BYTES: Whole(140_000, 1_000_000),
  MAX_BLOCKS_IN_FLIGHT: Whole(1, 100),
  STALL_AFTER_SECONDS: Whole(1, 86_400),
  WRITE_LANDS_WITHIN_SECONDS: Whole(1, 3_600),
  INTENT_TTL_DAYS: Days,
});

/**
 * Reads the settings of the chain.
 * @throws Error that names the bad setting: a chain head with half a configuration must not decide anything
 */
export function chainRules(env: Env): ChainRules {
  const parsed = v.safeParse(Settings, env);
  if (!parsed.success)
    throw new Error(`chain-head: bad settings in wrangler.toml [vars]:\n${v.summarize(parsed.issues)}`);
  const settings = parsed.output;
  return {
    miningMode: settings.MINING_MODE,
    mineAtCount: settings.MINE_AT_COUNT,
    mineAfterSeconds: settings.MINE_AFTER_SECONDS,
    blockMaxTransactions: settings.BLOCK_MAX_TRANSACTIONS,
    blockMaxBytes: settings.BLOCK_MAX_BYTES,
    maxBlocksInFlight: settings.MAX_BLOCKS_IN_FLIGHT,
    stallAfterSeconds: settings.STALL_AFTER_SECONDS,
    writeLandsWithinSeconds: settings.WRITE_LANDS_WITHIN_SECONDS,
    intentTtlSeconds: Math.ceil(settings.INTENT_TTL_DAYS * 86_400),
  };
}
