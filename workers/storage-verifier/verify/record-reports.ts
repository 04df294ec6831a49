import { deadLetters } from "../../../shared/objects/dead-letters.ts";
import type { BlockReport } from "../../../shared/api/storage-report.ts";
import { storageRuns, type Env } from "../env.ts";

/**
 * Records the results of a verification. When repair was requested, a block without a sound copy in any tier is parked as a dead
 * letter, so that it is not forgotten. A block that is whole again resolves its dead letter.
 */
export async function recordReports(
  reports: readonly BlockReport[],
  repair: boolean,
  env: Env,
): Promise<void> {
  for (const report of reports) if (repair && report.status === "failed") await park(report, env);
  const healed = await storageRuns(env).note(reports);
  for (const blockNumber of healed) await resolve(blockNumber, env);
}

/** Resolves the dead letter of a replayed block, whatever was recorded for it here. */
export async function resolve(blockNumber: number, env: Env): Promise<void> {
  await deadLetters(env).resolved({ stage: "storage-verifier", blockNumber });
}

async function park({ blockNumber, message }: BlockReport, env: Env): Promise<void> {
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
