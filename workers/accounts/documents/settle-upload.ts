import {
  findDocument,
  storedDocumentFile,
  type DocumentFacts,
  type IndexedDocument,
} from "../../../shared/storage/documents.ts";
import { pinAndReadBack, type GatewayReader } from "../../../shared/storage/ipfs-tier.ts";
import type { Pinner } from "../../../shared/storage/pinner.ts";
import type { Clock, Hold } from "./uploads.ts";

/** Index of every stored document, also of those that R2 has lost. */
export interface DocumentRegister {
  /** Durable when it resolves. The first CID of a document stays. */
  readonly note: (document: IndexedDocument) => Promise<void>;
  readonly find: (documentId: string) => Promise<IndexedDocument | null | "reindexing">;
}

/** The places of documents. */
export interface DocumentTiers extends Clock {
  readonly bucket: R2Bucket;
  readonly pinner: Omit<Pinner, "list">;
  readonly gateway: GatewayReader;
  readonly index: DocumentRegister;
  readonly chainId: string;
}

/**
 * Makes R2, IPFS and the index agree, whatever happened before: a document in R2 is pinned and indexed, and no other pin of it
 * stays. R2 is read again after the unpins, because a late put may land meanwhile. Only a caller that holds the upload, or has
 * seen the document in R2, may call this: otherwise an unpin could hit an upload in progress.
 * @returns the document in R2, if there is one
 */
export async function settle(
  { documentId, cids }: Pick<Hold, "documentId" | "cids">,
  tiers: DocumentTiers,
): Promise<DocumentFacts | undefined> {
  const { bucket, pinner, gateway, index, chainId } = tiers;
  const stored = await findDocument(bucket, documentId);
  // A document that R2 has lost is only on IPFS, so its pin must stay.
  const indexed = stored === undefined ? await index.find(documentId) : null;
  if (indexed === "reindexing") throw new Error("the index of documents is being made anew: retrying");
  for (const cid of cids) if (cid !== (stored ?? indexed)?.cid) await pinner.unpin(cid);
  if (stored === undefined) {
    const late = await findDocument(bucket, documentId);
    return late === undefined ? undefined : settle({ documentId, cids }, tiers);
  }
  if (!(await pinner.isPinned(stored.cid))) {
    const file = await storedDocumentFile(bucket, chainId, documentId);
    if (file === undefined) throw new Error(`document ${documentId} was in R2 and is not any more`);
    await pinAndReadBack(pinner, gateway, file);
  }
  await index.note({ id: documentId, cid: stored.cid, bytes: stored.bytes });
  return stored;
}
