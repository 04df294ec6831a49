import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { BlockReport, StorageRun, TierReport } from "../../../shared/api/storage-report.ts";
import { TIER_NAMES, type TierName } from "../../../shared/storage/tier.ts";
import { verifiedSince } from "./rolling.ts";
import type { RunRow } from "./schema.ts";

/**
 * Records what the latest verification of each block left undone, and how often a tier was restored.
 * A block without a sound copy counts as failed until one is seen: a tier that can't be reached tells nothing.
 * @returns numbers of the blocks that had no sound copy in any tier, and have one again
 */
export function noteReports(sql: Sql, reports: readonly BlockReport[], now: number): readonly number[] {
  const healed: number[] = [];
  for (const report of reports) {
    const { blockNumber, status } = report;
    const [before] = sql
      .exec<{ status: string }>("DELETE FROM trouble WHERE block_number = ? RETURNING status", blockNumber)
      .toArray();
    const isWhole = status !== "partial" && status !== "failed";
    const hadNone = before?.status === "failed";
    const hasOne = isWhole || report.source !== null; // a supplied copy makes a block whole without a source among the tiers
    if (hadNone && hasOne) healed.push(blockNumber);
    if (!isWhole)
      sql.exec(
        "INSERT INTO trouble (block_number, status, wrong, at) VALUES (?, ?, ?, ?)",
        blockNumber,
        hadNone && !hasOne ? "failed" : status,
        wrongIn(report).join(","),
        now,
      );
    for (const name of Object.keys(report.rehydrated))
      sql.exec(
        "INSERT INTO rehydrated (tier, count) VALUES (?, 1) ON CONFLICT (tier) DO UPDATE SET count = count + 1",
        name,
      );
  }
  return healed;
}

/** The tiers whose copy is missing or wrong, and `private` when R2 is known to lack private parts. */
function wrongIn(report: BlockReport): readonly string[] {
  const tiers = TIER_NAMES.filter((name) => isWrong(report[name]));
  return (report.privateParts.missing ?? 0) > 0 ? [...tiers, "private"] : tiers;
}

/** A copy that could not be reached is not known to be wrong. */
function isWrong({ present, fault }: TierReport): boolean {
  return !present && fault !== "unreachable";
}

/** A block that was not whole at its latest verification, and the tiers whose copy was missing or wrong. */
export interface FailingBlock {
  readonly blockNumber: number;
  readonly wrong: readonly TierName[];
}

/** Returns the failing blocks from `from` up to, but not including, `end`: a page of 1,000 blocks at most. */
export function failingBlocksIn(sql: Sql, from: number, end: number): readonly FailingBlock[] {
  return sql
    .exec<{ block_number: number; wrong: string }>(
      "SELECT block_number, wrong FROM trouble WHERE block_number >= ? ORDER BY block_number LIMIT ?",
      from,
      Math.max(0, end - from),
    )
    .toArray()
    .filter(({ block_number }) => block_number < end)
    .map(({ block_number, wrong }) => ({
      blockNumber: block_number,
      wrong: TIER_NAMES.filter((name) => wrong.split(",").includes(name)),
    }));
}

export interface StorageSummary {
  /** Number of blocks whose copy in a tier was missing or wrong at their latest verification. */
  readonly wrong: Readonly<Record<TierName, number>>;
  /** Every block published by this time has been verified since; null before the first round is over. */
  readonly verifiedSince: number | null;
  /**
   * `failing`: blocks without a sound copy in any tier; `partial`: blocks that are not whole. Both by their latest verification.
   */
  readonly failing: number;
  readonly partial: number;
  /** Blocks of which R2 lacks private parts, by their latest verification. No tier has another copy of those. */
  readonly withoutPrivateParts: number;
  readonly lastRun: {
    readonly id: string;
    readonly kind: string;
    readonly state: StorageRun["state"];
    readonly startedAt: number;
    readonly finishedAt: number | null;
    readonly failed: number;
  } | null;
  readonly rehydrated: Readonly<Record<TierName, number>>;
}

export function summary(sql: Sql): StorageSummary {
  const rows = sql.exec<{ what: string; blocks: number }>("SELECT what, blocks FROM troubled").toArray();
  const countOf = (what: string) => rows.find((row) => row.what === what)?.blocks ?? 0;
  const [last] = sql
    .exec<RunRow>("SELECT * FROM run WHERE kind = 'verify' ORDER BY sequence DESC LIMIT 1")
    .toArray();
  const times = sql.exec<{ tier: string; count: number }>("SELECT tier, count FROM rehydrated").toArray();
  return {
    wrong: byTier(countOf),
    verifiedSince: verifiedSince(sql),
    failing: countOf("failed"),
    partial: countOf("partial"),
    withoutPrivateParts: countOf("private"),
    lastRun: last
      ? {
          id: last.id,
          kind: last.kind,
          state: last.state,
          startedAt: last.started_at,
          finishedAt: last.finished_at,
          failed: last.failed,
        }
      : null,
    rehydrated: byTier((name) => times.find(({ tier }) => tier === name)?.count ?? 0),
  };
}

function byTier(value: (name: TierName) => number): Record<TierName, number> {
  return { kv: value("kv"), r2: value("r2"), ipfs: value("ipfs") };
}
