import type { Halted } from "../../../shared/api/halted.ts";
import type { ChainRules } from "../../../shared/chain/rules.ts";
import { STAGE_AFTER } from "../../../shared/chain/states.ts";
import { whyHalted } from "../decisions/halt.ts";
import { ignoredCounts } from "../decisions/ignored.ts";
import { refusals } from "../decisions/refused.ts";
import { signingKeys } from "../decisions/signing-keys.ts";
import { getCount, getValue, type MinerKeys } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";
import { blockFacts, type BlockFacts } from "./block-facts.ts";
import { lastBlock, unfinishedBlocks } from "./blocks.ts";
import { intentCounts, releaseOwedSince, type IntentCounts } from "./intents.ts";
import { miningOwedSince, oldestWaiting } from "./waiting.ts";

export interface StatusFacts {
  readonly counts: {
    readonly pending: number;
    readonly waiting: number;
    readonly mined: number;
    readonly setAside: number;
    /** Number of submissions of users that were ever refused. */
    readonly refused: number;
    readonly blocks: number;
  } & IntentCounts;
  /** Number of Stripe events that were not for this deployment, by reason. */
  readonly ignored: Readonly<Record<string, number>>;
  readonly oldestWaitingAt: number | null;
  /** When the oldest waiting transaction should be, or should have been, in a block; null when none has to be. */
  readonly miningOwedSince: number | null;
  /** Since when the oldest paid submission should be admitted; null when there is none. */
  readonly releaseOwedSince: number | null;
  readonly unfinished: readonly (BlockFacts & { readonly stage: string | undefined })[];
  readonly halted: Halted | null;
  /** The keys that the miner reported, when it did, and whether its signing key is retired; null before its first report. */
  readonly minerKeys: (MinerKeys & { readonly isRetired: boolean }) | null;
}

/** Summarises the pipeline at a cost that does not grow with the chain. */
export function status(sql: Sql, rules: ChainRules): StatusFacts {
  return {
    counts: {
      pending: getCount(sql, "pending"),
      waiting: getCount(sql, "waiting"),
      mined: getCount(sql, "mined"),
      setAside: getCount(sql, "setAside"),
      refused: Object.values(refusals(sql)).reduce((sum, n) => sum + n, 0),
      blocks: (lastBlock(sql)?.number ?? -1) + 1,
      ...intentCounts(sql),
    },
    ignored: ignoredCounts(sql),
    oldestWaitingAt: oldestWaiting(sql)?.admittedAt ?? null,
    miningOwedSince: miningOwedSince(sql, rules),
    releaseOwedSince: releaseOwedSince(sql),
    unfinished: unfinishedBlocks(sql).map((row) => ({
      ...blockFacts(sql, row),
      stage: STAGE_AFTER[row.state],
    })),
    halted: whyHalted(sql),
    minerKeys: minerKeys(sql),
  };
}

function minerKeys(sql: Sql): StatusFacts["minerKeys"] {
  const keys = getValue(sql, "minerKeys");
  if (keys === undefined) return null;
  const known = signingKeys(sql).find(({ keyId }) => keyId === keys.signingKeyId);
  return { ...keys, isRetired: known !== undefined && known.retiredIn !== null };
}
