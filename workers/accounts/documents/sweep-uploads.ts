import { errorText, type Log } from "../../../shared/runtime/log.ts";
import { findDocument } from "../../../shared/storage/documents.ts";
import { documentIdOfUploadKey, r2Keys } from "../../../shared/storage/layout.ts";
import { hexByChance, r2Portion } from "../../../shared/storage/pages.ts";
import { documentMemory } from "./memory.ts";
import { documentTiers, type Env } from "../env.ts";
import { settle, type DocumentTiers } from "./settle-upload.ts";
import { findUpload, forget, isStillHeld, takeHold } from "./uploads.ts";

/** Milliseconds after which every call that an upload began has ended. */
const OVER = 3_600_000;

/** Limit for one run: each upload takes several calls, and may take the memory of a whole document. */
const LOOK_AT_ONCE = 100;

/** Settles uploads that were not finished within an hour: the document is then in both tiers, or in neither. */
export function sweepUploads(env: Env, log: Log): Promise<void> {
  return sweepUnfinished(documentTiers(env), log);
}

/**
 * Settles a portion of the uploads from a random place: the keys are hashes, so all get their turn.
 * @param place where the portion begins, in lower-case hex
 * @throws AggregateError of the uploads that could not be settled, after the others are
 */
export async function sweepUnfinished(tiers: DocumentTiers, log: Log, place = hexByChance()): Promise<void> {
  const failures: unknown[] = [];
  const portion = { prefix: r2Keys.uploadPrefix, place, most: LOOK_AT_ONCE };
  for (const { key } of await r2Portion(tiers.bucket, portion)) {
    const documentId = documentIdOfUploadKey(key);
    if (documentId === undefined) {
      log.warn("sweep.foreign_object", { key });
      continue;
    }
    const [outcome] = await Promise.allSettled([settleOne(documentId, tiers, log)]);
    if (outcome.status === "fulfilled") continue;
    log.error("sweep.upload_failed", { documentId, error: errorText(outcome.reason) });
    failures.push(outcome.reason);
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} uploads are not settled`);
}

async function settleOne(documentId: string, tiers: DocumentTiers, log: Log): Promise<void> {
  const { bucket, now } = tiers;
  const upload = await findUpload(bucket, documentId);
  if (upload === undefined || now() - upload.at < OVER) return;
  // Pinning a document of R2 again takes as much memory as an upload.
  const loan = documentMemory.loan();
  const stored = await findDocument(bucket, documentId);
  if (!loan.extendTo(stored?.bytes ?? 0)) return; // large documents hold the memory: the next run tries again
  try {
    await settleHeld(documentId, tiers, log);
  } finally {
    loan.end();
  }
}

async function settleHeld(documentId: string, tiers: DocumentTiers, log: Log): Promise<void> {
  const { bucket, now } = tiers;
  const hold = await takeHold(bucket, documentId, undefined, now());
  if (hold === undefined) return; // a request is storing it
  const stored = await settle(hold, tiers);
  if (!(await isStillHeld(bucket, hold, now()))) return;
  await forget(bucket, hold);
  log.warn(stored === undefined ? "sweep.upload_taken_back" : "sweep.upload_finished", { documentId });
}
