import { errorText, type Log } from "../../../shared/runtime/log.ts";
import {
  createDocument,
  documentFile,
  findDocument,
  type DocumentFacts,
  type OwnedDocument,
} from "../../../shared/storage/documents.ts";
import { pinAndReadBack } from "../../../shared/storage/ipfs-tier.ts";
import { settle, type DocumentTiers } from "./settle-upload.ts";
import { forget, isStillHeld, letGo, takeHold, type Hold } from "./uploads.ts";

/** Another request is storing the same document. */
export class StoredByAnother extends Error {
  override readonly name = "StoredByAnother";
}

/**
 * Puts a document on IPFS, then into R2, then into the index, so a document in R2 is in both tiers. A note under `uploads/` names
 * the CID before it is pinned and stays until the index has the document, so the sweep finds everything that a crash at any line
 * leaves. A repeat answers the stored document.
 * @throws StoredByAnother while another request stores the same document; any other error when the document is in neither tier,
 * or not in the index
 */
export async function storeDocument(
  owned: OwnedDocument,
  tiers: DocumentTiers,
  log: Log,
): Promise<DocumentFacts> {
  const { bucket, now } = tiers;
  const { document, cid } = owned;
  const known = await findDocument(bucket, document.id);
  if (known !== undefined) return known;
  const hold = await takeHold(bucket, document.id, cid, now());
  if (hold === undefined) throw new StoredByAnother("this document is just being stored");
  try {
    await pinAndReadBack(tiers.pinner, tiers.gateway, documentFile(tiers.chainId, owned));
    const created = await createDocument(bucket, owned);
    if (created && hold.isFirst && (await isStillHeld(bucket, hold, now()))) {
      const { owner, bytes } = document;
      await tiers.index.note({ id: document.id, cid, bytes: bytes.length });
      await done(hold, tiers, log);
      return { cid, owner, bytes: bytes.length };
    }
  } catch (error) {
    log.error("document.not_stored", { documentId: document.id, error: errorText(error) });
    return orThrow(error, await takenBack(hold, tiers, log));
  }
  // Another request may have worked on this document, before or meanwhile. The copy in R2 decides which pin stays, now and in the
  // sweep.
  const stored = await settle(hold, tiers);
  await letGo(bucket, hold, tiers);
  if (stored === undefined) throw new Error(`document ${document.id} was stored and is not there`);
  return stored;
}

/** Answers the stored document if there is one: a put that failed may have landed all the same. */
function orThrow(error: unknown, stored: DocumentFacts | undefined): DocumentFacts {
  if (stored === undefined) throw error;
  return stored;
}

/**
 * Takes a failed upload back. Its note stays, because a failed call may still land (a pin, or a put that is under way): the sweep
 * looks again.
 * @returns the document in R2; undefined when R2 has none or could not be read
 */
async function takenBack(hold: Hold, tiers: DocumentTiers, log: Log): Promise<DocumentFacts | undefined> {
  const { bucket, now } = tiers;
  try {
    // Another request that took over the upload may be about to finish with the same pin.
    if (!(await isStillHeld(bucket, hold, now()))) return await findDocument(bucket, hold.documentId);
    return await settle(hold, tiers);
  } catch (error) {
    log.error("document.not_taken_back", { documentId: hold.documentId, error: errorText(error) });
    return undefined;
  } finally {
    await letGo(bucket, hold, tiers).catch((error: unknown) =>
      log.warn("document.not_let_go", { documentId: hold.documentId, error: errorText(error) }),
    );
  }
}

/** Deletes the note of a document that is in both tiers. A note that stays only costs the sweep one look. */
async function done(hold: Hold, { bucket }: DocumentTiers, log: Log): Promise<void> {
  try {
    await forget(bucket, hold);
  } catch (error) {
    log.warn("document.note_left", { documentId: hold.documentId, error: errorText(error) });
  }
}
