import { emptyHistogram, withObservations, type Histogram } from "../../../shared/runtime/histogram.ts";
import type { Sql } from "../storage/schema.ts";

/** A milestone of a transaction: its admission, or a state of its block. */
export const MILESTONES = ["admitted", "sealed", "persisted", "indexed", "complete"] as const;
export type Milestone = (typeof MILESTONES)[number];

/** Seconds, from the normal time of one stage up to the length of an outage. */
const BOUNDS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, 86_400, 604_800];

/**
 * Counts how long after their payment transactions reached a milestone. Runs within the decision that moves them there, so each
 * is counted exactly once.
 * @param timestamps of the payments from Stripe's clock, in milliseconds since the epoch
 */
export function noteMilestone(
  sql: Sql,
  milestone: Milestone,
  timestamps: readonly number[],
  now: number,
): void {
  if (timestamps.length === 0) return;
  const seconds = timestamps.map((timestamp) => Math.max(0, now - timestamp) / 1_000);
  sql.exec(
    "INSERT OR REPLACE INTO latency (milestone, seconds) VALUES (?, ?)",
    milestone,
    JSON.stringify(withObservations(latencyTo(sql, milestone), seconds)),
  );
}

export function noteBlockMilestone(sql: Sql, milestone: Milestone, blockNumber: number, now: number): void {
  const rows = sql
    .exec<{ timestamp: number }>("SELECT timestamp FROM tx WHERE block = ?", blockNumber)
    .toArray();
  noteMilestone(
    sql,
    milestone,
    rows.map(({ timestamp }) => timestamp),
    now,
  );
}

/** Seconds from the payment to each milestone. */
export function latencies(sql: Sql): Record<Milestone, Histogram> {
  const entries = MILESTONES.map((milestone) => [milestone, latencyTo(sql, milestone)] as const);
  return Object.fromEntries(entries) as Record<Milestone, Histogram>;
}

function latencyTo(sql: Sql, milestone: Milestone): Histogram {
  const [row] = sql
    .exec<{ seconds: string }>("SELECT seconds FROM latency WHERE milestone = ?", milestone)
    .toArray();
  return row === undefined ? emptyHistogram(BOUNDS) : (JSON.parse(row.seconds) as Histogram);
}
