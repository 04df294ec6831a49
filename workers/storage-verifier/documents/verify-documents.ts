import { documentIndex } from "../../../shared/objects/document-index.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import type { DocumentReport, StorageRun } from "../../../shared/api/storage-report.ts";
import { documentsADay, SCHEDULE, storageRuns, type Env } from "../env.ts";
import { indexIncomplete } from "./reindex-documents.ts";
import { documentVerification, verifyStoredDocument } from "./verify-document.ts";

/** Number of documents in a chunk. Each asks Pinata once, and its record of up to 27 MB is read from R2 and from the gateway. */
const DOCUMENTS_A_CHUNK = 10;
/** Milliseconds after which a chunk takes no further document; the queue gives it fifteen minutes. */
const CHUNK_MS = 300_000;
/** Longest wait for a rate limit of one request, in seconds. */
const LONGEST_WAIT_SECONDS = 65;

/**
 * Verifies the run's next documents, in the order of their ids. A chunk that is done twice, because its message came twice, is
 * counted once. It takes one document at a time: a record takes up to 27 MB of memory, and as much again while it is pinned.
 * @throws RetryLater while the index of documents is being rebuilt
 */
export async function verifyDocumentChunk(
  run: StorageRun,
  env: Env,
  log: Log,
): Promise<{ run: StorageRun; reports: readonly DocumentReport[] }> {
  const began = Date.now();
  const { next: from } = run.documents;
  const index = documentIndex(env);
  const [stored, after] = await Promise.all([index.totals(), storageRuns(env).documentsAfter(run.id)]);
  const isRolling = run.by === SCHEDULE;
  const most = isRolling ? documentsADay(env, log) : Infinity;
  const limit = Math.min(DOCUMENTS_A_CHUNK, most - from);
  const documents = await index.after(after, limit);
  if (stored === "reindexing" || documents === "reindexing") throw indexIncomplete();

  const context = documentVerification(env, log, {
    repair: run.repair,
    longestWaitSeconds: LONGEST_WAIT_SECONDS,
  });
  const reports: DocumentReport[] = [];
  for (const document of documents) {
    if (Date.now() - began > CHUNK_MS) break;
    reports.push(await verifyStoredDocument(document, context));
  }
  await index.noteChecked(reports);
  const isRoundOver = documents.length < limit && reports.length === documents.length;
  const moved = await storageRuns(env).recordDocuments({
    runId: run.id,
    from,
    total: Math.min(stored.total, most),
    after: isRoundOver ? "" : (reports.at(-1)?.documentId ?? after),
    isLast: isRoundOver || from + reports.length >= most,
    reports,
  });
  return { run: moved, reports };
}
