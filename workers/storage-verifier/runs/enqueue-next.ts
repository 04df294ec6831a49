import type { StorageRun } from "../../../shared/api/storage-report.ts";
import type { Env } from "../env.ts";
import { placeOf } from "./runs.ts";

/** Enqueues the run's next chunk. Safe to call twice. */
export async function enqueueNext(
  run: StorageRun,
  env: Pick<Env, "STORAGE_VERIFIER_QUEUE">,
  delaySeconds = 0,
): Promise<void> {
  await env.STORAGE_VERIFIER_QUEUE.send(
    { v: 1, kind: "chunk", runId: run.id, from: placeOf(run) },
    delaySeconds > 0 ? { delaySeconds } : {},
  );
}
