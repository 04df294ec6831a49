import {
  createDocument,
  findDocument,
  type DocumentFacts,
  type FoundDocument,
  type OwnedDocument,
} from "../../../shared/storage/documents.ts";

/** The index holds another record of this document than the one that was sent. */
export class StoredOtherwise extends Error {
  override readonly name = "StoredOtherwise";
}

/** The index of documents, as far as storing one needs it. */
export interface DocumentRegister {
  /**
   * Notes that R2 may get this document: an hour later the index has R2 asked for it. Durable when it resolves.
   * @returns the document if the index knows it; then nothing is noted
   */
  readonly noteArriving: (documentId: string) => Promise<FoundDocument | null | "reindexing">;
}

/**
 * Puts a document into R2, where the first record of an id stays. The index is told before, so a document that a dying request
 * leaves in R2 is found.
 * @returns the document that R2 holds, which may have another signature
 * @throws StoredOtherwise for a document that R2 has lost, with another signature: blocks commit to the CID of the stored record
 */
export async function storeDocument(
  bucket: R2Bucket,
  index: DocumentRegister,
  owned: OwnedDocument,
): Promise<DocumentFacts> {
  const { document, cid } = owned;
  const indexed = await index.noteArriving(document.id);
  if (indexed === "reindexing") throw new Error("the index of documents is being made anew");
  if (indexed !== null && indexed.cid !== cid)
    throw new StoredOtherwise(`document ${document.id} is stored as ${indexed.cid}`);
  const [put] = await Promise.allSettled([createDocument(bucket, owned)]);
  const stored = await findDocument(bucket, document.id); // a put that failed may have landed
  if (stored !== undefined) return stored;
  throw put.status === "rejected" ? put.reason : new Error(`R2 took document ${document.id} and lost it`);
}
