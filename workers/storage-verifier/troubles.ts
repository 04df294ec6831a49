import type { Sql } from "../../shared/sqlite.ts";
import type { BlockReport } from "../../shared/storage/report.ts";
import { TIER_NAMES, type TierName } from "../../shared/storage/tier.ts";
import type { RunRow } from "./runs.ts";

/**
 * What the latest verification of each block left undone, and how often a tier was restored.
 * @returns numbers of the blocks of which no tier had a sound copy, and that are whole again
 */
export function noteReports(sql: Sql, reports: readonly BlockReport[], now: number): readonly number[] {
  const healed: number[] = [];
  for (const report of reports) {
    const { blockNumber, status } = report;
    if (status === "ok" || status === "rehydrated") {
      const [trouble] = sql
        .exec<{ status: string }>("DELETE FROM trouble WHERE block_number = ? RETURNING status", blockNumber)
        .toArray();
      if (trouble?.status === "failed") healed.push(blockNumber);
    } else
      sql.exec(
        "INSERT OR REPLACE INTO trouble (block_number, status, report, at) VALUES (?, ?, ?, ?)",
        blockNumber,
        status,
        JSON.stringify(report),
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

/** Reports of the troubled blocks from `from` up to, not including, `end`. */
export function troublesOf(sql: Sql, from: number, end: number): readonly BlockReport[] {
  return sql
    .exec<{ report: string }>(
      "SELECT report FROM trouble WHERE block_number >= ? AND block_number < ? ORDER BY block_number",
      from,
      end,
    )
    .toArray()
    .map(({ report }) => JSON.parse(report) as BlockReport);
}

export interface StorageSummary {
  /** Blocks in each tier when they were last counted. */
  readonly blocks: (Readonly<Record<TierName, number>> & { readonly countedAt: number }) | null;
  /** Blocks of which no tier has a sound copy, and those that are not complete, by their latest verification. */
  readonly failing: number;
  readonly partial: number;
  readonly lastRun: {
    readonly id: string;
    readonly kind: string;
    readonly state: string;
    readonly startedAt: number;
    readonly finishedAt: number | null;
    readonly failed: number;
  } | null;
  readonly rehydrated: Readonly<Record<TierName, number>>;
}

export function summary(sql: Sql): StorageSummary {
  const troubled = (status: string) =>
    sql.exec<{ n: number }>("SELECT count(*) AS n FROM trouble WHERE status = ?", status).toArray()[0]?.n ??
    0;
  const [last] = sql
    .exec<RunRow>("SELECT * FROM run WHERE kind = 'verify' ORDER BY sequence DESC LIMIT 1")
    .toArray();
  const times = sql.exec<{ tier: string; count: number }>("SELECT tier, count FROM rehydrated").toArray();
  return {
    blocks: countedBlocks(sql),
    failing: troubled("failed"),
    partial: troubled("partial"),
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

export function noteCounts(sql: Sql, counts: Readonly<Record<TierName, number>>, now: number): void {
  for (const name of TIER_NAMES)
    sql.exec("INSERT OR REPLACE INTO counted (tier, blocks, at) VALUES (?, ?, ?)", name, counts[name], now);
}

function countedBlocks(sql: Sql): StorageSummary["blocks"] {
  const rows = sql
    .exec<{ tier: string; blocks: number; at: number }>("SELECT tier, blocks, at FROM counted")
    .toArray();
  const [first] = rows;
  if (first === undefined) return null;
  return {
    ...byTier((name) => rows.find(({ tier }) => tier === name)?.blocks ?? 0),
    countedAt: first.at,
  };
}

function byTier(value: (name: TierName) => number): Record<TierName, number> {
  return { kv: value("kv"), r2: value("r2"), ipfs: value("ipfs") };
}
