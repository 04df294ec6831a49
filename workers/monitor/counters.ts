import { emptyHistogram, withObservations, type Histogram } from "../../shared/runtime/histogram.ts";
import type { Observation, StageFailure } from "../../shared/objects/monitor.ts";
import type { Sql } from "../../shared/durable-object/sqlite.ts";

/** Counts since the chain began. An event that never happened has no entry. */
export interface Counters {
  readonly messages: readonly { readonly stage: string; readonly outcome: string; readonly count: number }[];
  readonly tiers: readonly {
    readonly tier: string;
    readonly operation: string;
    readonly errors: number;
    readonly seconds: Histogram;
  }[];
  readonly failedStages: readonly FailedStage[];
}

/** A healthy KV or R2 takes hundredths, a pinning service takes seconds, and its deadline is a minute. */
const TIER_BOUNDS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function countObservations(sql: Sql, observations: readonly Observation[], now: number): void {
  for (const observation of observations) countOne(sql, observation, now);
}

function countOne(sql: Sql, observation: Observation, now: number): void {
  switch (observation.kind) {
    case "messages":
      sql.exec(
        `INSERT INTO message (stage, outcome, count, last_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (stage, outcome) DO UPDATE SET count = count + ?3, last_at = ?4`,
        observation.stage,
        observation.outcome,
        observation.count,
        now,
      );
      return;
    case "failure":
      noteFailure(sql, observation);
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
  const before = row === undefined ? emptyHistogram(TIER_BOUNDS_SECONDS) : histogramOf(row);
  sql.exec(
    "INSERT OR REPLACE INTO tier_operation (tier, operation, errors, seconds) VALUES (?, ?, ?, ?)",
    tier,
    operation,
    (row?.errors ?? 0) + (ok ? 0 : 1),
    JSON.stringify(withObservations(before, [milliseconds / 1_000])),
  );
}

/** Stores the newest failure of a stage in place of the one before: one row for each stage. */
function noteFailure(sql: Sql, failed: Observation & { kind: "failure" }): void {
  sql.exec(
    `INSERT INTO failure (stage, at, attempts, error, next_retry_at) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (stage) DO UPDATE SET at = ?2, attempts = ?3, error = ?4, next_retry_at = ?5 WHERE at <= ?2`,
    failed.stage,
    failed.at,
    failed.attempts,
    failed.error,
    failed.nextRetryAt,
  );
}

/** The latest failure of a stage. Times are milliseconds since the epoch. */
export interface FailedStage extends StageFailure {
  readonly stage: string;
  /** When the stage last finished a message; null when it never did. */
  readonly lastDoneAt: number | null;
}

export function failedStages(sql: Sql): readonly FailedStage[] {
  return sql
    .exec<{
      stage: string;
      at: number;
      attempts: number;
      error: string;
      next: number | null;
      done: number | null;
    }>(
      `SELECT failure.stage, failure.at, failure.attempts, failure.error, failure.next_retry_at AS next, message.last_at AS done
       FROM failure LEFT JOIN message ON message.stage = failure.stage AND message.outcome = 'processed'
       ORDER BY failure.stage`,
    )
    .toArray()
    .map(({ next, done, ...failure }) => ({ ...failure, nextRetryAt: next, lastDoneAt: done }));
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
    failedStages: failedStages(sql),
  };
}

function histogramOf({ seconds }: TierRow): Histogram {
  return JSON.parse(seconds) as Histogram;
}
