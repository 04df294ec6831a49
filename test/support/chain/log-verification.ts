import { migrateTo } from "../../../shared/durable-object/sqlite.ts";
import type { StorageRun } from "../../../shared/api/storage-report.ts";
import type { Env } from "../../../workers/storage-verifier/env.ts";
import type { LogPlan } from "../../../workers/storage-verifier/logs/log-plan.ts";
import { verifyLogChunk } from "../../../workers/storage-verifier/logs/verify-logs.ts";
import {
  areLogsDone,
  logPlan,
  planLog,
  recordLog,
  type LogChunk,
} from "../../../workers/storage-verifier/runs/log-progress.ts";
import { end, findRun, startRun } from "../../../workers/storage-verifier/runs/runs.ts";
import { MIGRATIONS } from "../../../workers/storage-verifier/runs/schema.ts";
import { SILENT } from "../stack/memory-bucket.ts";
import { memorySql } from "../stack/sqlite.ts";
import type { CheckpointWorld } from "./checkpoint-world.ts";

const NOW = 1_800_000_000_000;

/** The storage verifier's part that verifies the logs, over a world's R2, log head and chain. */
export class LogVerification {
  readonly #world: CheckpointWorld;
  readonly #sql = memorySql();
  #runs = 0;

  constructor(world: CheckpointWorld) {
    this.#world = world;
    migrateTo(this.#sql, MIGRATIONS, "a test's");
  }

  readonly #storageRuns = {
    planLog: async (runId: string, plan: LogPlan | null) => planLog(this.#sql, runId, plan),
    logPlan: async (runId: string) => logPlan(this.#sql, runId),
    recordLog: async (chunk: LogChunk) => {
      recordLog(this.#sql, chunk, NOW);
      return findRun(this.#sql, chunk.runId, NOW);
    },
  };

  get env(): Env {
    return { ...this.#world.env, STORAGE_RUNS: { getByName: () => this.#storageRuns } } as unknown as Env;
  }

  begin({ repair = true, rolling }: { repair?: boolean; rolling?: number } = {}): StorageRun {
    const by = rolling === undefined ? "ada" : "schedule";
    const of = { id: `run-${++this.#runs}`, kind: "verify" as const, totalBlocks: this.#world.published };
    const answer = startRun(this.#sql, { ...of, by, repair, ...(rolling && { rolling }) }, NOW);
    if ("active" in answer) throw new Error("a run is active");
    return answer.started;
  }

  chunk(run: StorageRun): Promise<StorageRun> {
    return verifyLogChunk(run, this.env, SILENT);
  }

  /** Verifies the logs to their end. */
  async verify(options: { repair?: boolean; rolling?: number } = {}): Promise<StorageRun["log"]> {
    let run = this.begin(options);
    while (!areLogsDone(run)) run = await this.chunk(run);
    end(this.#sql, run.id, "done", null, NOW);
    return run.log;
  }
}
