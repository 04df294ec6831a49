import * as v from "valibot";
import { CidV0, Sha256Hex } from "../chain/transaction.ts";
import {
  DocumentRecord,
  InvalidDocument,
  type DocumentState,
  type IndexedStatus,
} from "../chain/document.ts";
import { cidV0 } from "../crypto/cid.ts";
import type { FileToPin } from "./ipfs-tier.ts";
import type { ListedPin } from "./pinner.ts";
import { documentIdOfDocumentKey, r2Keys } from "./layout.ts";
import { checkSealed, sealedKeyIn, type SealedIn } from "./policies.ts";
import { createOnly, replaceOnly } from "./r2-tier.ts";

/**
 * The metadata of a document in R2 (custom metadata), readable without its contents: the CID of its pin, and its owner.
 */
const CustomMetadata = v.object({ cid: CidV0, owner: Sha256Hex });

export interface DocumentFacts extends v.InferOutput<typeof CustomMetadata> {
  readonly bytes: number;
}

/** A stored document. The CID identifies the only valid record, whatever R2 and IPFS hold. */
export interface IndexedDocument {
  readonly id: string;
  readonly cid: string;
  /** Bytes of the record. */
  readonly bytes: number;
}

/** A document as the index knows it. */
export interface FoundDocument extends IndexedDocument {
  readonly status: IndexedStatus;
}

export function stateOf(status: IndexedStatus): DocumentState {
  return status === "ok" ? "pinned" : "stored";
}

/** A document whose owner is registered with this encryption key. */
export interface OwnedDocument {
  readonly document: DocumentRecord;
  readonly cid: string;
  readonly encryptionKeyId: string;
}

/**
 * Creates `documents/{id}.json`. The first record of an id stays.
 * @returns false when the object exists already
 * @throws PolicyViolation, before any write, when the policy forbids storing it like this
 */
export function createDocument(bucket: R2Bucket, owned: OwnedDocument): Promise<boolean> {
  const { document, cid } = owned;
  const facts: v.InferOutput<typeof CustomMetadata> = { cid, owner: document.owner };
  return createOnly(
    bucket,
    sealedKeyIn("r2", "document", document.id, sealedIn(owned)),
    document.bytes,
    facts,
  );
}

/**
 * The document as a file to pin. It carries nothing beside its bytes that names the owner.
 * @throws PolicyViolation when the policy forbids pinning it like this
 */
export function documentFile(chainId: string, owned: OwnedDocument): FileToPin {
  const { document, cid } = owned;
  checkSealed("document", document.id, sealedIn(owned));
  return fileOf(chainId, document.id, document.bytes, cid);
}

/**
 * The file to pin for a document in R2, whose policy was checked when it was stored.
 * @returns undefined when R2 does not hold the very record that is indexed
 */
export async function storedDocumentFile(
  bucket: R2Bucket,
  chainId: string,
  indexed: IndexedDocument,
): Promise<FileToPin | undefined> {
  const object = await bucket.get(r2Keys.document(indexed.id));
  if (object === null) return undefined;
  if (object.size !== indexed.bytes) {
    await object.body.cancel();
    return undefined;
  }
  const bytes = new Uint8Array(await object.arrayBuffer());
  if (typeof (await soundRecord(bytes, indexed, chainId)) === "string") return undefined;
  return fileOf(chainId, indexed.id, bytes, indexed.cid);
}

/**
 * Replaces wrong bytes of a document, which R2 was just seen to hold with this ETag, by its record.
 * @returns false when R2 holds another object by now
 * @throws PolicyViolation, before any write, when the policy forbids storing it like this
 */
export function replaceDocument(bucket: R2Bucket, owned: OwnedDocument, seenEtag: string): Promise<boolean> {
  const { document, cid } = owned;
  const facts: v.InferOutput<typeof CustomMetadata> = { cid, owner: document.owner };
  const key = sealedKeyIn("r2", "document", document.id, sealedIn(owned));
  return replaceOnly(bucket, key, seenEtag, document.bytes, facts);
}

/** The CID in a document's metadata in R2; `undefined` for an object that VDC did not write. */
export function toldCid({ customMetadata }: R2Object): string | undefined {
  const parsed = v.safeParse(CustomMetadata, customMetadata);
  return parsed.success ? parsed.output.cid : undefined;
}

/** A document in R2's list, with its custom metadata; `undefined` for an object that VDC did not write. */
export function indexedIn(object: R2Object): IndexedDocument | undefined {
  const id = documentIdOfDocumentKey(object.key);
  const cid = toldCid(object);
  return id === undefined || cid === undefined ? undefined : { id, cid, bytes: object.size };
}

/** `undefined` when R2 says that the document does not exist. */
export async function findDocument(bucket: R2Bucket, id: string): Promise<DocumentFacts | undefined> {
  const object = await bucket.head(r2Keys.document(id));
  return object === null
    ? undefined
    : { ...v.parse(CustomMetadata, object.customMetadata), bytes: object.size };
}

function sealedIn({ document: { envelope, owner }, encryptionKeyId }: OwnedDocument): SealedIn {
  return { envelope, of: owner, sealedTo: encryptionKeyId };
}

/** A document as the pinning service lists it; `undefined` for a pin that VDC did not make. */
export function indexedPin({ cid, size, keyvalues }: ListedPin): IndexedDocument | undefined {
  const parsed = v.safeParse(PinnedAs, { cid, id: keyvalues.documentId });
  return parsed.success ? { ...parsed.output, bytes: size } : undefined;
}

const PinnedAs = v.object({ cid: CidV0, id: Sha256Hex });

/** The key values that every pin of a chain's documents bears, and no other pin. */
export function documentPins(chainId: string): { readonly documentsOf: string } {
  return { documentsOf: chainId };
}

/** Uses other key values than blocks, because blocks are counted by theirs. */
function fileOf(chainId: string, id: string, bytes: Uint8Array<ArrayBuffer>, cid: string): FileToPin {
  const name = `vdc-${chainId}-document-${id}.json`;
  return { kind: "document", bytes, cid, name, keyvalues: { ...documentPins(chainId), documentId: id } };
}

/**
 * Reads a document's record and checks it against its CID, its id and its owner's signature. Returns the record, or the
 * fault.
 */
export async function soundRecord(
  bytes: Uint8Array<ArrayBuffer>,
  { id, cid }: Pick<IndexedDocument, "id" | "cid">,
  chainId: string,
): Promise<DocumentRecord | string> {
  if ((await cidV0(bytes)) !== cid) return `its bytes are not those of ${cid}`;
  return readRecord(bytes, id, chainId);
}

/** Like `soundRecord`, for a document whose CID is not known. */
export async function readRecord(
  bytes: Uint8Array<ArrayBuffer>,
  id: string,
  chainId: string,
): Promise<DocumentRecord | string> {
  try {
    const document = await DocumentRecord.read(bytes);
    if (document.id !== id) return `it is document ${document.id}`;
    return (await document.verify(chainId)) ? document : `its owner did not sign it for chain ${chainId}`;
  } catch (error) {
    if (!(error instanceof InvalidDocument)) throw error;
    return error.message.slice(0, 200);
  }
}
