import type { StorageRun } from "../../shared/storage/report.ts";
import type { Env } from "./env.ts";

/** Has the queue take the run on from where it stands. Told twice, it is done once. */
export async function tellNext(
  { id, next }: Pick<StorageRun, "id" | "next">,
  env: Pick<Env, "STORAGE_VERIFIER_QUEUE">,
  delaySeconds = 0,
): Promise<void> {
  await env.STORAGE_VERIFIER_QUEUE.send(
    { v: 1, kind: "chunk", runId: id, from: next },
    delaySeconds > 0 ? { delaySeconds } : {},
  );
}
