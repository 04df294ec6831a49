import { emptyHistogram, withObservations, type Histogram } from "../../shared/histogram.ts";
import type { Observation } from "../../shared/monitor.ts";
import type { Sql } from "../../shared/sqlite.ts";

/** All that was counted since the chain began. What never happened has no entry. */
export interface Counters {
  readonly messages: readonly { readonly stage: string; readonly outcome: string; readonly count: number }[];
  readonly tiers: readonly {
    readonly tier: string;
    readonly operation: string;
    readonly errors: number;
    readonly seconds: Histogram;
  }[];
}

/** Seconds. A healthy KV or R2 takes hundredths, a pinning service seconds, and its deadline is a minute. */
const TIER_BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function countObservations(sql: Sql, observations: readonly Observation[]): void {
  for (const observation of observations) countOne(sql, observation);
}

function countOne(sql: Sql, observation: Observation): void {
  switch (observation.kind) {
    case "messages":
      sql.exec(
        `INSERT INTO message (stage, outcome, count) VALUES (?1, ?2, ?3)
         ON CONFLICT (stage, outcome) DO UPDATE SET count = count + ?3`,
        observation.stage,
        observation.outcome,
        observation.count,
      );
      return;
    case "tier":
      countTierOperation(sql, observation);
      return;
  }
}

type TierRow = { tier: string; operation: string; errors: number; seconds: string };

function countTierOperation(sql: Sql, ended: Observation & { kind: "tier" }): void {
  const { tier, operation, ok, milliseconds } = ended;
  const [row] = sql
    .exec<TierRow>("SELECT * FROM tier_operation WHERE tier = ? AND operation = ?", tier, operation)
    .toArray();
  const before = row === undefined ? emptyHistogram(TIER_BOUNDS) : histogramOf(row);
  sql.exec(
    "INSERT OR REPLACE INTO tier_operation (tier, operation, errors, seconds) VALUES (?, ?, ?, ?)",
    tier,
    operation,
    (row?.errors ?? 0) + (ok ? 0 : 1),
    JSON.stringify(withObservations(before, [milliseconds / 1_000])),
  );
}

export function counters(sql: Sql): Counters {
  return {
    messages: sql
      .exec<{ stage: string; outcome: string; count: number }>(
        "SELECT stage, outcome, count FROM message ORDER BY stage, outcome",
      )
      .toArray(),
    tiers: sql
      .exec<TierRow>("SELECT * FROM tier_operation ORDER BY tier, operation")
      .toArray()
      .map((row) => ({ ...row, seconds: histogramOf(row) })),
  };
}

function histogramOf({ seconds }: TierRow): Histogram {
  return JSON.parse(seconds) as Histogram;
}
