import {
  findDocument,
  storedDocumentFile,
  type DocumentFacts,
  type IndexedDocument,
} from "../../shared/storage/documents.ts";
import { pinAndReadBack, type GatewayReader } from "../../shared/storage/ipfs-tier.ts";
import type { Pinner } from "../../shared/storage/pinner.ts";
import type { Clock, Hold } from "./uploads.ts";

/** Knows every document that is stored, also one that R2 has lost. */
export interface DocumentRegister {
  /** Durable when it resolves. The first CID of a document stays. */
  readonly note: (document: IndexedDocument) => Promise<void>;
  readonly find: (documentId: string) => Promise<IndexedDocument | null | "reindexing">;
}

/** Where documents are kept. */
export interface DocumentTiers extends Clock {
  readonly bucket: R2Bucket;
  readonly pinner: Omit<Pinner, "list">;
  readonly gateway: GatewayReader;
  readonly index: DocumentRegister;
  readonly chainId: string;
}

/**
 * Makes both tiers agree, whatever happened before: what R2 holds is pinned and indexed, and no other pin of this document stays. A put
 * that comes late, while the pins are looked at, is seen by looking again. Only for who holds the upload, or has seen the
 * document in R2: there it stays as it is.
 * @returns what R2 holds
 */
export async function settle(
  { documentId, cids }: Pick<Hold, "documentId" | "cids">,
  tiers: DocumentTiers,
): Promise<DocumentFacts | undefined> {
  const { bucket, pinner, gateway, index, chainId } = tiers;
  const stored = await findDocument(bucket, documentId);
  // What R2 has lost is on IPFS alone.
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
