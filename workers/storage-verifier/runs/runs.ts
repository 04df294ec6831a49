import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { BlockReport, DocumentReport, StorageRun } from "../../../shared/api/storage-report.ts";
import type { RunRow } from "./schema.ts";
import { moveRollingDocuments, nextPart, noteVerifiedSince, rollingDocumentsAfter } from "./rolling.ts";

export interface NewRun {
  readonly id: string;
  readonly kind: StorageRun["kind"];
  readonly repair: boolean;
  readonly by: string;
  readonly totalBlocks: number;
  /** Number of blocks of a rolling verification, which continues at the block that was verified longest ago. */
  readonly rolling?: number;
}

/** Limit for each run; the counts of the run go on. */
export const RESULTS_KEPT = 500;
const RUNS_KEPT = 50;

/**
 * Starts a run, unless another is active; then the answer is the active run. A restore does not wait: it ends an active
 * verification.
 */
export function startRun(
  sql: Sql,
  run: NewRun,
  now: number,
): { readonly started: StorageRun } | { readonly active: StorageRun } {
  const active = activeBeside(sql, run.kind, now);
  if (active !== undefined) return { active: runOf(active, now) };
  const { first, total } =
    run.rolling === undefined
      ? { first: 0, total: run.totalBlocks }
      : nextPart(sql, run.totalBlocks, run.rolling, now);
  sql.exec(
    `INSERT INTO run (id, kind, state, repair, by, started_at, moved_at, rolling, first, total, next, documents_after)
     VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    run.id,
    run.kind,
    run.repair ? 1 : 0,
    run.by,
    now,
    now,
    run.rolling === undefined ? 0 : 1,
    first,
    total,
    first,
    run.rolling === undefined ? "" : rollingDocumentsAfter(sql),
  );
  forgetOld(sql);
  return { started: mustFind(sql, run.id, now) };
}

/**
 * Records the reports of the run's next blocks. A chunk that was done twice counts once: only one that begins at the run's
 * present place is recorded. The logs follow the last block.
 */
export function recordChunk(
  sql: Sql,
  chunk: {
    readonly runId: string;
    readonly from: number;
    readonly next: number;
    readonly reports: readonly BlockReport[];
  },
  now: number,
): StorageRun {
  const { runId, from, next, reports } = chunk;
  const row = rowOf(sql, runId);
  if (row?.state !== "running" || row.next !== from) return mustFind(sql, runId, now);
  const count = (status: BlockReport["status"]) =>
    reports.filter((report) => report.status === status).length;
  sql.exec(
    `UPDATE run SET next = ?, moved_at = ?, nudges = 0, verified = verified + ?, rehydrated = rehydrated + ?, partial = partial + ?,
     failed = failed + ?, untrusted = untrusted + ? WHERE id = ?`,
    next,
    now,
    count("ok"),
    count("rehydrated"),
    count("partial"),
    count("failed"),
    reports.filter(({ untrusted }) => untrusted !== null).length,
    runId,
  );
  const kept = reports
    .filter(({ status, untrusted }) => status !== "ok" || untrusted !== null)
    .slice(0, RESULTS_KEPT - row.results);
  for (const report of kept)
    sql.exec(
      "INSERT OR REPLACE INTO result (run_id, block_number, report) VALUES (?, ?, ?)",
      runId,
      report.blockNumber,
      JSON.stringify(report),
    );
  sql.exec("UPDATE run SET results = results + ? WHERE id = ?", kept.length, runId);
  if (row.rolling === 1) sql.exec("UPDATE rolling SET next = ?", next);
  if (next >= row.first + row.total && row.rolling === 0) noteVerifiedSince(sql, row.started_at);
  return mustFind(sql, runId, now);
}

/** Decides whether the run's blocks are verified, so that the logs are next. */
export function areBlocksDone({ firstBlock, totalBlocks, next }: StorageRun): boolean {
  return next >= firstBlock + totalBlocks;
}

/**
 * Returns how many blocks, tiles and documents of the run are done; a message of the run names the place at which it begins.
 */
export function placeOf({ next, log, documents }: StorageRun): number {
  return next + log.next + documents.next;
}

/** Records the reports of the run's next documents, under the rule of `recordChunk`. The run ends with the last one. */
export function recordDocuments(
  sql: Sql,
  chunk: {
    readonly runId: string;
    /** Number of documents verified before this chunk. */
    readonly from: number;
    /** Number of documents in the run. */
    readonly total: number;
    /** Id behind which the next chunk begins. */
    readonly after: string;
    readonly isLast: boolean;
    readonly reports: readonly DocumentReport[];
  },
  now: number,
): StorageRun {
  const { runId, from, total, after, isLast, reports } = chunk;
  const row = rowOf(sql, runId);
  if (row?.state !== "running" || row.documents_next !== from) return mustFind(sql, runId, now);
  const count = (status: DocumentReport["status"]) =>
    reports.filter((report) => report.status === status).length;
  const kept = reports.filter(({ status }) => status !== "ok").slice(0, RESULTS_KEPT - row.documents_results);
  sql.exec(
    `UPDATE run SET documents_total = ?, documents_next = ?, documents_after = ?, documents_results = documents_results + ?,
     documents_verified = documents_verified + ?, documents_rehydrated = documents_rehydrated + ?,
     documents_partial = documents_partial + ?, documents_failed = documents_failed + ?, moved_at = ?, nudges = 0 WHERE id = ?`,
    Math.max(total, from + reports.length),
    from + reports.length,
    after,
    kept.length,
    count("ok"),
    count("rehydrated"),
    count("partial"),
    count("failed"),
    now,
    runId,
  );
  for (const report of kept)
    sql.exec(
      "INSERT OR REPLACE INTO document_result (run_id, document_id, report) VALUES (?, ?, ?)",
      runId,
      report.documentId,
      JSON.stringify(report),
    );
  if (row.rolling === 1) moveRollingDocuments(sql, after);
  if (isLast) end(sql, runId, "done", null, now);
  return mustFind(sql, runId, now);
}

/** Returns the id of the document behind which the run's next chunk begins. */
export function documentsAfter(sql: Sql, runId: string): string {
  return rowOf(sql, runId)?.documents_after ?? "";
}

/** Moves a restore on by a block. A restore learns its end only when it gets there. */
export function moveRestore(sql: Sql, runId: string, next: number, now: number): StorageRun {
  sql.exec(
    "UPDATE run SET next = ?, verified = ?, moved_at = ?, nudges = 0 WHERE id = ? AND state = 'running'",
    next,
    next,
    now,
    runId,
  );
  return mustFind(sql, runId, now);
}

/**
 * Ends a restore and begins the verification that follows it, in one decision, so that the verification is never left out.
 * @returns false when the run had ended before
 */
export function endRestore(sql: Sql, runId: string, verification: NewRun, now: number): boolean {
  if (rowOf(sql, runId)?.state !== "running") return false;
  end(sql, runId, "done", null, now);
  startRun(sql, verification, now);
  return true;
}

/** Ends a run that is still running. Its results stay. */
export function end(
  sql: Sql,
  runId: string,
  state: "done" | "failed" | "aborted",
  message: string | null,
  now: number,
): StorageRun | null {
  sql.exec(
    "UPDATE run SET state = ?, message = ?, finished_at = ?, moved_at = ? WHERE id = ? AND state = 'running'",
    state,
    message,
    now,
    now,
    runId,
  );
  const row = rowOf(sql, runId);
  return row === undefined ? null : runOf(row, now);
}

/** Resumes an aborted or failed run where it stopped, unless another run is active. Returns null when there is no such run. */
export function resumeRun(
  sql: Sql,
  runId: string,
  now: number,
):
  | { readonly started: StorageRun }
  | { readonly active: StorageRun }
  | { readonly ended: StorageRun }
  | null {
  const row = rowOf(sql, runId);
  if (row === undefined) return null;
  if (row.state === "done") return { ended: runOf(row, now) };
  const active = activeBeside(sql, row.kind, now);
  if (active !== undefined) return { active: runOf(active, now) };
  sql.exec(
    "UPDATE run SET state = 'running', message = NULL, finished_at = NULL, moved_at = ?, nudges = 0 WHERE id = ?",
    now,
    runId,
  );
  return { started: mustFind(sql, runId, now) };
}

/** Returns a run without its results, for the stage that works on it. */
export function findRun(sql: Sql, runId: string, now: number): StorageRun | null {
  const row = rowOf(sql, runId);
  return row === undefined ? null : runOf(row, now);
}

/** Returns a run with its results, for an operator. */
export function findRunWithResults(sql: Sql, runId: string, now: number): StorageRun | null {
  const run = findRun(sql, runId, now);
  if (run === null) return null;
  const results = sql
    .exec<{ report: string }>(
      "SELECT report FROM result WHERE run_id = ? ORDER BY block_number LIMIT ?",
      runId,
      RESULTS_KEPT,
    )
    .toArray();
  const documents = sql
    .exec<{ report: string }>(
      "SELECT report FROM document_result WHERE run_id = ? ORDER BY document_id LIMIT ?",
      runId,
      RESULTS_KEPT,
    )
    .toArray();
  return {
    ...run,
    results: results.map(({ report }) => JSON.parse(report) as BlockReport),
    documents: {
      ...run.documents,
      results: documents.map(({ report }) => JSON.parse(report) as DocumentReport),
    },
  };
}

/** Lists runs without their results, the latest first. */
export function listRuns(sql: Sql, now: number): readonly StorageRun[] {
  return sql
    .exec<RunRow>("SELECT * FROM run ORDER BY sequence DESC")
    .toArray()
    .map((row) => runOf(row, now));
}

/**
 * Returns the active run that blocks a run of this kind. A restore ends an active verification: without the chain head's chain no
 * block can be verified, so each would wait for the other.
 */
function activeBeside(sql: Sql, kind: StorageRun["kind"], now: number): RunRow | undefined {
  const active = activeRun(sql);
  if (kind !== "restore" || active?.kind !== "verify") return active;
  end(
    sql,
    active.id,
    "aborted",
    "A restore of the chain head began, and no block can be verified until it ends. It is followed by a verification of all blocks.",
    now,
  );
  return undefined;
}

export function activeRun(sql: Sql): RunRow | undefined {
  return sql.exec<RunRow>("SELECT * FROM run WHERE state = 'running'").toArray()[0];
}

const MOST_DOUBLINGS = 5;
const DEFAULT_STALL_SECONDS = 300; // an invalid setting must not stop the watchdog

/**
 * Returns when a run that does not move must be enqueued again, in milliseconds since the epoch. The interval doubles, because in
 * an outage its message is retried all the time and each new message adds to it.
 */
export function requeueAt({ moved_at, nudges }: RunRow, stallAfterSeconds: number): number {
  const seconds =
    stallAfterSeconds >= 1 && stallAfterSeconds <= 86_400 ? stallAfterSeconds : DEFAULT_STALL_SECONDS;
  return moved_at + seconds * 1_000 * 2 ** Math.min(nudges, MOST_DOUBLINGS);
}

/** Notes that the run was enqueued again. Its message may have been lost, so the run counts as having moved now. */
export function noteRequeued(sql: Sql, runId: string, now: number): void {
  sql.exec("UPDATE run SET moved_at = ?, nudges = nudges + 1 WHERE id = ?", now, runId);
}

function rowOf(sql: Sql, runId: string): RunRow | undefined {
  return sql.exec<RunRow>("SELECT * FROM run WHERE id = ?", runId).toArray()[0];
}

function mustFind(sql: Sql, runId: string, now: number): StorageRun {
  const run = findRun(sql, runId, now);
  if (run === null) throw new Error(`there is no run ${runId}`);
  return run;
}

function forgetOld(sql: Sql): void {
  const old = sql
    .exec<{ id: string }>(
      "SELECT id FROM run WHERE sequence <= (SELECT max(sequence) FROM run) - ?",
      RUNS_KEPT,
    )
    .toArray();
  for (const { id } of old) {
    sql.exec("DELETE FROM result WHERE run_id = ?", id);
    sql.exec("DELETE FROM document_result WHERE run_id = ?", id);
    sql.exec("DELETE FROM run WHERE id = ?", id);
  }
}

function runOf(row: RunRow, now: number): StorageRun {
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    repair: row.repair === 1,
    by: row.by,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    firstBlock: row.first,
    totalBlocks: row.total,
    next: row.next,
    verified: row.verified,
    rehydrated: row.rehydrated,
    partial: row.partial,
    failed: row.failed,
    untrusted: row.untrusted,
    results: [],
    log: {
      total: row.log_total,
      next: row.log_next,
      checked: row.log_checked,
      restored: row.log_restored,
      failed: row.log_failed,
    },
    documents: {
      total: row.documents_total,
      next: row.documents_next,
      verified: row.documents_verified,
      rehydrated: row.documents_rehydrated,
      partial: row.documents_partial,
      failed: row.documents_failed,
      results: [],
    },
    message: row.message,
    duration: Math.max(0, (row.finished_at ?? now) - row.started_at),
  };
}
