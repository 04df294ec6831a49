import { deadLetters } from "../../shared/dead-letters.ts";
import type { BlockReport } from "../../shared/storage/report.ts";
import { storageRuns, type Env } from "./env.ts";

/**
 * Keeps what a verification found. A block of which no tier has a sound copy is parked as a dead letter, so that it is
 * not forgotten, when repair was asked for; one that is whole again resolves its dead letter.
 */
export async function conclude(reports: readonly BlockReport[], repair: boolean, env: Env): Promise<void> {
  for (const report of reports) if (repair && report.status === "failed") await park(report, env);
  const healed = await storageRuns(env).note(reports);
  for (const blockNumber of healed) await resolve(blockNumber, env);
}

/** For a block that was replayed, whatever was known of it here. */
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
