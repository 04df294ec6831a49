import { DurableObject } from "cloudflare:workers";
import { errorText, logger } from "../../../shared/runtime/log.ts";
import { migrateTo } from "../../../shared/durable-object/sqlite.ts";
import type { BlockReport, DocumentReport } from "../../../shared/api/storage-report.ts";
import type { Env } from "../env.ts";
import type { LogPlan } from "../logs/log-plan.ts";
import * as logProgress from "./log-progress.ts";
import * as runs from "./runs.ts";
import { MIGRATIONS, type RunRow } from "./schema.ts";
import { enqueueNext } from "./enqueue-next.ts";
import * as failingBlocks from "./failing-blocks.ts";

/** Keeps the results of verification and the active run: one object per chain, so at most one run is active. */
export class StorageRuns extends DurableObject<Env> {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () =>
      context.storage.transactionSync(() => migrateTo(this.#sql, MIGRATIONS, "the storage runs'")),
    );
  }

  get #sql() {
    return this.ctx.storage.sql;
  }

  async #decide<T>(decision: (now: number) => T): Promise<T> {
    const answer = this.ctx.storage.transactionSync(() => decision(Date.now()));
    const active = runs.activeRun(this.#sql);
    if (active !== undefined) await this.ctx.storage.setAlarm(this.#requeueAt(active));
    return answer;
  }

  #requeueAt(active: RunRow): number {
    return runs.requeueAt(active, Number(this.env.STALL_AFTER_SECONDS));
  }

  /** The watchdog: a run that has not moved for a while may have lost its message. */
  override async alarm(): Promise<void> {
    const active = runs.activeRun(this.#sql);
    if (active === undefined) return;
    const time = this.#requeueAt(active);
    if (time > Date.now()) return this.ctx.storage.setAlarm(time);
    const { id: runId } = active;
    try {
      const run = runs.findRun(this.#sql, runId, Date.now());
      if (run !== null) await enqueueNext(run, this.env);
    } catch (error) {
      logger("storage-verifier").warn("run.not_told", { runId, error: errorText(error) });
    }
    await this.#decide((now) => runs.noteRequeued(this.#sql, runId, now));
  }

  start(run: runs.NewRun) {
    return this.#decide((now) => runs.startRun(this.#sql, run, now));
  }

  recordChunk(chunk: { runId: string; from: number; next: number; reports: readonly BlockReport[] }) {
    return this.#decide((now) => runs.recordChunk(this.#sql, chunk, now));
  }

  planLog(runId: string, plan: LogPlan | null) {
    return this.#decide(() => logProgress.planLog(this.#sql, runId, plan));
  }

  logPlan(runId: string) {
    return logProgress.logPlan(this.#sql, runId);
  }

  recordLog(chunk: logProgress.LogChunk) {
    return this.#decide((now) => {
      logProgress.recordLog(this.#sql, chunk, now);
      return runs.findRun(this.#sql, chunk.runId, now);
    });
  }

  recordDocuments(chunk: {
    runId: string;
    from: number;
    total: number;
    after: string;
    isLast: boolean;
    reports: readonly DocumentReport[];
  }) {
    return this.#decide((now) => runs.recordDocuments(this.#sql, chunk, now));
  }

  /** Id of the document behind which the run's next chunk begins. */
  documentsAfter(runId: string) {
    return runs.documentsAfter(this.#sql, runId);
  }

  moveRestore(runId: string, next: number) {
    return this.#decide((now) => runs.moveRestore(this.#sql, runId, next, now));
  }

  endRestore(runId: string, verification: runs.NewRun) {
    return this.#decide((now) => runs.endRestore(this.#sql, runId, verification, now));
  }

  end(runId: string, state: "done" | "failed" | "aborted", message: string | null) {
    return this.#decide((now) => runs.end(this.#sql, runId, state, message, now));
  }

  resume(runId: string) {
    return this.#decide((now) => runs.resumeRun(this.#sql, runId, now));
  }

  /** Returns a run without its results. */
  find(runId: string) {
    return runs.findRun(this.#sql, runId, Date.now());
  }

  findWithResults(runId: string) {
    return runs.findRunWithResults(this.#sql, runId, Date.now());
  }

  list() {
    return runs.listRuns(this.#sql, Date.now());
  }

  /** Records reports, and returns the numbers of blocks that had been lost and are whole again. */
  note(reports: readonly BlockReport[]) {
    return this.#decide((now) => failingBlocks.noteReports(this.#sql, reports, now));
  }

  failingBlocksIn(from: number, end: number) {
    return failingBlocks.failingBlocksIn(this.#sql, from, end);
  }

  /** Size of the object's storage, in bytes. */
  databaseBytes() {
    return this.ctx.storage.sql.databaseSize;
  }

  summary() {
    return failingBlocks.summary(this.#sql);
  }
}
