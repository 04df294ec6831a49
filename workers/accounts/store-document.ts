import { errorText, type Log } from "../../shared/log.ts";
import {
  createDocument,
  documentFile,
  findDocument,
  type DocumentFacts,
  type OwnedDocument,
} from "../../shared/storage/documents.ts";
import { pinAndReadBack } from "../../shared/storage/ipfs-tier.ts";
import { settle, type DocumentTiers } from "./settle-upload.ts";
import { forget, isStillHeld, letGo, takeHold, type Hold } from "./uploads.ts";

/** Another request is storing this very document. */
export class StoredByAnother extends Error {
  override readonly name = "StoredByAnother";
}

/**
 * Puts a document into IPFS, then into R2, then into the index: what R2 shows is in both tiers. What may be pinned is noted
 * before it is, and that note stays until the index has the document, so that a crash at any line leaves nothing that the
 * sweep does not find. Asked again, it answers what is there.
 * @throws StoredByAnother while another does the same; any other error when it is in neither tier, or not in the index
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
  // Another had a hand in it, before or meanwhile: what R2 holds decides which pin stays, now and when the sweep looks.
  const stored = await settle(hold, tiers);
  await letGo(bucket, hold, tiers);
  if (stored === undefined) throw new Error(`document ${document.id} was stored and is not there`);
  return stored;
}

/** A put that failed may have been done all the same: then the document is stored, and was not lost. */
function orThrow(error: unknown, stored: DocumentFacts | undefined): DocumentFacts {
  if (stored === undefined) throw error;
  return stored;
}

/**
 * Its note stays, for what failed may yet be done (a pin, a put that is still under way): the sweep looks again.
 * @returns what R2 holds, undefined when it holds nothing or that is not known
 */
async function takenBack(hold: Hold, tiers: DocumentTiers, log: Log): Promise<DocumentFacts | undefined> {
  const { bucket, now } = tiers;
  try {
    // Whoever took over may be about to finish, with the same pin.
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

/** The document is in both tiers; a note that stays costs the sweep a look. */
async function done(hold: Hold, { bucket }: DocumentTiers, log: Log): Promise<void> {
  try {
    await forget(bucket, hold);
  } catch (error) {
    log.warn("document.note_left", { documentId: hold.documentId, error: errorText(error) });
  }
}
