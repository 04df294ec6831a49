import type { Log } from "../../../shared/runtime/log.ts";
import type { VerifyStorage } from "../../../shared/queue/messages.ts";
import { pinDocument } from "../documents/pin-document.ts";
import { SCHEDULE, storageRuns, type Env } from "../env.ts";
import { restoreChunk } from "../restore/restore-chunk.ts";
import { placeOf } from "./runs.ts";
import { enqueueNext } from "./enqueue-next.ts";
import { verifyChunk } from "../verify/verify-all.ts";
import { verifyAgain } from "../verify/verify-one.ts";

/**
 * Pause between two chunks of the rolling verification. A chunk of 20 blocks asks Pinata 20 times, and one of 10 documents 10
 * times. Pinata's smallest plan allows 60 requests a minute (Pinata, "Rate limits"), so half is left to the blocks that are being
 * stored.
 */
const PACE_SECONDS = 40;

/** Handles a message of the queue: one block, one document, or the next chunk of a run. */
export async function consumeMessage(message: VerifyStorage, env: Env, log: Log): Promise<void> {
  if (message.kind === "block") return verifyAgain(message.blockNumber, message.repair, env, log);
  if (message.kind === "document") return pinDocument(message.documentId, env, log);
  const run = await storageRuns(env).find(message.runId);
  // The run is over, or this message is an older copy of one that is done.
  if (run?.state !== "running" || placeOf(run) !== message.from) return;
  const after =
    run.kind === "verify" ? (await verifyChunk(run, env, log)).run : await restoreChunk(run, env, log);
  if (after.state === "running") await enqueueNext(after, env, after.by === SCHEDULE ? PACE_SECONDS : 0);
}
