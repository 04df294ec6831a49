import type { StorageRun } from "../../../shared/api/storage-report.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { storageRuns, type Env } from "../env.ts";
import { expectedObjects } from "./expected-objects.ts";
import { partAt, partCount, type LogPart, type LogPlan } from "./log-plan.ts";
import { planLogs } from "./plan-logs.ts";
import { restoreObject, type LogVerification, type ObjectOutcome } from "./restore-object.ts";
import { verifyCheckpoint } from "./verify-checkpoint.ts";

/** Parts of the logs in a chunk. Each reads up to 256 objects of R2, and an invocation makes up to 1,000 requests. */
const PARTS_A_CHUNK = 3;

/**
 * Verifies the run's next tiles and checkpoints of both logs. The tiles are made anew from the chain, so their bytes need no
 * other copy. A chunk that is done twice, because its message came twice, is counted once.
 */
export async function verifyLogChunk(run: StorageRun, env: Env, log: Log): Promise<StorageRun> {
  const plan = await planOf(run, env);
  const total = partCount(plan);
  const from = run.log.next;
  const next = Math.min(from + PARTS_A_CHUNK, total);
  const verification = { repair: run.repair, env, log };
  const outcomes: ObjectOutcome[] = [];
  for (let place = from; place < next; place++) {
    if (plan === null) break;
    const isDoubtful = run.log.failed > 0 || outcomes.includes("failed");
    outcomes.push(...(await verifyPart(partAt(plan, place), plan, verification, isDoubtful)));
  }
  const restored = outcomes.filter((outcome) => outcome === "restored").length;
  const failed = outcomes.filter((outcome) => outcome === "failed").length;
  const after = await storageRuns(env).recordLog({
    runId: run.id,
    from,
    total,
    next,
    checked: outcomes.length,
    restored,
    failed,
  });
  if (after === null) throw new Error(`there is no run ${run.id}`);
  return after;
}

/** The first chunk fixes the plan. */
async function planOf(run: StorageRun, env: Env): Promise<LogPlan | null> {
  if (run.log.total === null) await storageRuns(env).planLog(run.id, await planLogs(run, env));
  return storageRuns(env).logPlan(run.id);
}

/** @param isDoubtful a tile of this run failed, and so the tiles that are made of others are not replaced */
async function verifyPart(
  part: LogPart,
  plan: LogPlan,
  verification: LogVerification,
  isDoubtful: boolean,
): Promise<readonly ObjectOutcome[]> {
  const { log: name } = part;
  if (part.kind === "checkpoint") return [await verifyCheckpoint(name, plan.logs[name], verification)];
  const isAbove = part.tile.level > 0;
  const repair = verification.repair && !(isAbove && isDoubtful);
  const outcomes: ObjectOutcome[] = [];
  for (const object of await expectedObjects(name, part.tile, verification.env))
    outcomes.push(await restoreObject(object, { ...verification, repair }));
  return outcomes;
}
