import type { AuditResult } from "../../shared/audit-chain.ts";
import { onSchedule } from "../../shared/audit.ts";
import { errorText, logger, type Log } from "../../shared/log.ts";
import { countBlocks } from "./count-blocks.ts";
import { storageRuns, type Env } from "./env.ts";
import { sweepStaged } from "./sweep-staged.ts";
import { verifyAll } from "./verify-all.ts";

/** Milliseconds; a little under a week, so that a run that began late does not skip one. */
const VERIFY_EVERY = 6.5 * 86_400_000;

/** What the clock starts: each day a count of what every tier lists, and a sweep; each week a verification of every byte. */
export async function daily(env: Env): Promise<void> {
  const requestId = crypto.randomUUID();
  const log = logger("storage-verifier", { requestId, cause: "schedule" });
  await countBlocks(env, log);
  const [swept] = await Promise.allSettled([sweepStaged(env, log)]);
  if (swept.status === "rejected") log.error("staged.not_swept", { error: errorText(swept.reason) });
  await verifyOnceAWeek(env, requestId, log);
}

async function verifyOnceAWeek(env: Env, requestId: string, log: Log): Promise<void> {
  const { lastRun } = await storageRuns(env).summary();
  if (lastRun?.state === "done" && Date.now() - lastRun.startedAt < VERIFY_EVERY) return;
  const repair = env.AUTO_REHYDRATE === "true";
  const deed = { action: "verify-all", target: `every block, repair=${repair}`, requestId };
  await onSchedule({ env, log }, deed, async (): Promise<AuditResult> => {
    const answer = await verifyAll({ repair, by: "schedule" }, env, log);
    if ("finished" in answer) return { failed: answer.finished.failed };
    if ("started" in answer) return { runId: answer.started.id };
    log.warn("run.active", { runId: answer.active.id, by: answer.active.by });
    return { runId: answer.active.id, active: true };
  });
}
