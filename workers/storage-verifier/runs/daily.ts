import type { AuditResult } from "../../../shared/chain/audit-chain.ts";
import { onSchedule } from "../../../shared/objects/audit-log.ts";
import { errorText, logger, type Log } from "../../../shared/runtime/log.ts";
import { blocksADay, documentsADay, SCHEDULE, storageRuns, type Env } from "../env.ts";
import { sweepStaged } from "../restore/sweep-staged.ts";
import { verifyAll } from "../verify/verify-all.ts";

/** Less than a day, so that a run that began late does not skip the next one. */
const VERIFY_EVERY_MS = 20 * 3_600_000;

/**
 * Sweeps staged bytes, and verifies all bytes of the next blocks and documents. The work of a day does not grow with the chain.
 */
export async function daily(env: Env): Promise<void> {
  const requestId = crypto.randomUUID();
  const log = logger("storage-verifier", { requestId, cause: "schedule" });
  const [swept] = await Promise.allSettled([sweepStaged(env, log)]);
  if (swept.status === "rejected") log.error("staged.not_swept", { error: errorText(swept.reason) });
  await verifyOnceADay(env, requestId, log);
}

async function verifyOnceADay(env: Env, requestId: string, log: Log): Promise<void> {
  const { lastRun } = await storageRuns(env).summary();
  if (lastRun?.state === "done" && Date.now() - lastRun.startedAt < VERIFY_EVERY_MS) return;
  const repair = env.AUTO_REHYDRATE === "true";
  const most = blocksADay(env, log);
  const action = {
    action: "verify-all",
    target: `the next ${most} blocks and ${documentsADay(env, log)} documents, repair=${repair}`,
    requestId,
  };
  await onSchedule({ env, log }, action, async (): Promise<AuditResult> => {
    const answer = await verifyAll({ repair, by: SCHEDULE, rolling: most }, env, log);
    if ("finished" in answer) return { failed: answer.finished.failed + answer.finished.documents.failed };
    if ("started" in answer) return { runId: answer.started.id };
    log.warn("run.active", { runId: answer.active.id, by: answer.active.by });
    return { runId: answer.active.id, active: true };
  });
}
