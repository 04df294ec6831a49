import type { BlockReport } from "../../shared/storage/report.ts";
import type { Env } from "./env.ts";

/** A block of which no tier has a sound copy is parked as a dead letter: replayed, it is verified again. */
export async function reportUnrepairable(
  reports: readonly BlockReport[],
  repair: boolean,
  env: Env,
): Promise<void> {
  if (!repair) return;
  for (const { blockNumber, status, message } of reports)
    if (status === "failed")
      await env.DEAD_LETTER_QUEUE.send({
        v: 1,
        kind: "dead_letter",
        stage: "storage-verifier",
        reason: "unrepairable",
        error: message,
        attempts: 1,
        failedAt: Date.now(),
        message: { v: 1, kind: "block", blockNumber, repair: true },
      });
}
