import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { StorageRun } from "../../../shared/api/storage-report.ts";
import type { LogPlan } from "../logs/log-plan.ts";

/** The verified parts of the logs. */
export interface LogChunk {
  readonly runId: string;
  /** Number of parts verified before this chunk, and with it. */
  readonly from: number;
  readonly next: number;
  /** Number of parts in the run. */
  readonly total: number;
  readonly checked: number;
  readonly restored: number;
  readonly failed: number;
}

/** Decides whether the run's part of the logs is verified, so that its documents are next. */
export function areLogsDone({ log: { total, next } }: StorageRun): boolean {
  return total !== null && next >= total;
}

/** Fixes the run's part of the logs. The first plan stays. */
export function planLog(sql: Sql, runId: string, plan: LogPlan | null): void {
  sql.exec(
    "UPDATE run SET log_plan = ? WHERE id = ? AND log_plan IS NULL AND log_total IS NULL",
    plan === null ? null : JSON.stringify(plan),
    runId,
  );
}

/** Returns the run's part of the logs; null when there was no checkpoint. */
export function logPlan(sql: Sql, runId: string): LogPlan | null {
  const [row] = sql
    .exec<{ log_plan: string | null }>("SELECT log_plan FROM run WHERE id = ?", runId)
    .toArray();
  return row?.log_plan == null ? null : (JSON.parse(row.log_plan) as LogPlan);
}

/** Records the run's next tiles and checkpoints. A chunk that was done twice counts once, as in `recordChunk`. */
export function recordLog(sql: Sql, chunk: LogChunk, now: number): void {
  const { runId, from, next, total, checked, restored, failed } = chunk;
  sql.exec(
    `UPDATE run SET log_total = ?, log_next = ?, log_checked = log_checked + ?, log_restored = log_restored + ?,
     log_failed = log_failed + ?, moved_at = ?, nudges = 0 WHERE id = ? AND state = 'running' AND log_next = ?`,
    total,
    next,
    checked,
    restored,
    failed,
    now,
    runId,
    from,
  );
}
