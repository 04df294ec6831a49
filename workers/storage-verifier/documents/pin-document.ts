import { documentIndex } from "../../../shared/objects/document-index.ts";
import { Permanent } from "../../../shared/runtime/errors.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { findDocument, storedDocumentFile, type IndexedDocument } from "../../../shared/storage/documents.ts";
import { pinAndReadBack } from "../../../shared/storage/ipfs-tier.ts";
import { gatewayOf, pinnerOf } from "../../../shared/storage/tiers.ts";
import type { Env } from "../env.ts";
import { indexIncomplete } from "./reindex-documents.ts";
import { documentVerification, verifyStoredDocument } from "./verify-document.ts";

/**
 * Pins the record of a document in R2 and reads it back. R2 has decided before which record stays, so no pin is ever taken back.
 * A record that R2 has lost or altered meanwhile is restored from IPFS if it is there.
 * @throws RetryLater when the pinning service or the gateway limits our rate, or while the index is being rebuilt;
 * Permanent("unrepairable") when no tier has the document; any other error is worth a retry
 */
export async function pinDocument(documentId: string, env: Env, log: Log): Promise<void> {
  const index = documentIndex(env);
  const indexed = await index.find(documentId);
  if (indexed === "reindexing") throw indexIncomplete();
  if (indexed?.status === "ok") return;
  const document = indexed ?? (await noteStranded(documentId, env));
  if (document === undefined) return;
  const file = await storedDocumentFile(env.R2, env.CHAIN_ID, document);
  if (file !== undefined) {
    await pinAndReadBack(pinnerOf(env), gatewayOf(env), file);
    await index.notePinned(documentId);
    log.info("document.pinned", { documentCid: document.cid });
    return;
  }
  const report = await verifyStoredDocument(
    document,
    documentVerification(env, log, { repair: true, longestWaitSeconds: 0 }),
  );
  await index.noteChecked([report]);
  if (report.status === "failed") throw new Permanent("unrepairable", report.message);
  if (report.status === "partial") throw new Error(report.message);
}

/**
 * Notes a document whose upload died after the put into R2.
 * @returns undefined when R2 never got the document: nothing was promised
 */
async function noteStranded(id: string, env: Env): Promise<IndexedDocument | undefined> {
  const stored = await findDocument(env.R2, id);
  if (stored === undefined) return undefined;
  const document = { id, cid: stored.cid, bytes: stored.bytes };
  await documentIndex(env).note(document);
  return document;
}
