import * as v from "valibot";
import { CidV0, Sha256Hex } from "../chain/transaction.ts";
import { DocumentRecord, InvalidDocument } from "../chain/document.ts";
import { cidV0 } from "../crypto/cid.ts";
import type { FileToPin } from "./ipfs-tier.ts";
import type { ListedPin } from "./pinner.ts";
import { documentIdOfDocumentKey, r2Keys } from "./layout.ts";
import { checkSealed, sealedKeyIn, type SealedIn } from "./policies.ts";
import { createOnly, replaceOnly } from "./r2-tier.ts";

/** What R2 tells of a document without reading it (custom metadata): which pin is its, and whose it is. */
const Facts = v.object({ cid: CidV0, owner: Sha256Hex });

export interface DocumentFacts extends v.InferOutput<typeof Facts> {
  readonly bytes: number;
}

/** A stored document: the CID names the only record that counts, whatever R2 and IPFS hold. */
export interface IndexedDocument {
  readonly id: string;
  readonly cid: string;
  /** Bytes of the record. */
  readonly bytes: number;
}

/** A document whose owner is known to be registered, with this encryption key. */
export interface OwnedDocument {
  readonly document: DocumentRecord;
  readonly cid: string;
  readonly encryptionKeyId: string;
}

/**
 * Creates `documents/{id}.json`; the first record of an id stays.
 * @returns false when there is one
 * @throws PolicyViolation when it must not be kept like this; nothing is written then
 */
export function createDocument(bucket: R2Bucket, owned: OwnedDocument): Promise<boolean> {
  const { document, cid } = owned;
  const facts: v.InferOutput<typeof Facts> = { cid, owner: document.owner };
  return createOnly(
    bucket,
    sealedKeyIn("r2", "document", document.id, sealedIn(owned)),
    document.bytes,
    facts,
  );
}

/**
 * The document as it is pinned: nothing beside its bytes says whose it is.
 * @throws PolicyViolation when it must not be pinned like this
 */
export function documentFile(chainId: string, owned: OwnedDocument): FileToPin {
  const { document, cid } = owned;
  checkSealed("document", document.id, sealedIn(owned));
  return fileOf(chainId, document.id, document.bytes, cid);
}

/** The file of a document that R2 holds already, which it was taken into as one. */
export async function storedDocumentFile(
  bucket: R2Bucket,
  chainId: string,
  id: string,
): Promise<FileToPin | undefined> {
  const object = await bucket.get(r2Keys.document(id));
  if (object === null) return undefined;
  const { cid } = v.parse(Facts, object.customMetadata);
  return fileOf(chainId, id, new Uint8Array(await object.arrayBuffer()), cid);
}

/**
 * Puts a document's record in the place of wrong bytes that R2 was just seen to hold, with this ETag.
 * @returns false when R2 holds something else by now
 * @throws PolicyViolation when it must not be kept like this; nothing is written then
 */
export function replaceDocument(bucket: R2Bucket, owned: OwnedDocument, seenEtag: string): Promise<boolean> {
  const { document, cid } = owned;
  const facts: v.InferOutput<typeof Facts> = { cid, owner: document.owner };
  const key = sealedKeyIn("r2", "document", document.id, sealedIn(owned));
  return replaceOnly(bucket, key, seenEtag, document.bytes, facts);
}

/** The CID that R2 tells of a document; `undefined` for an object that VDC did not write. */
export function toldCid({ customMetadata }: R2Object): string | undefined {
  const parsed = v.safeParse(Facts, customMetadata);
  return parsed.success ? parsed.output.cid : undefined;
}

/** A document as R2 lists it, with its custom metadata; `undefined` for an object that VDC did not write. */
export function indexedIn(object: R2Object): IndexedDocument | undefined {
  const id = documentIdOfDocumentKey(object.key);
  const cid = toldCid(object);
  return id === undefined || cid === undefined ? undefined : { id, cid, bytes: object.size };
}

/** `undefined` when R2 says that there is none. */
export async function findDocument(bucket: R2Bucket, id: string): Promise<DocumentFacts | undefined> {
  const object = await bucket.head(r2Keys.document(id));
  return object === null ? undefined : { ...v.parse(Facts, object.customMetadata), bytes: object.size };
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

function fileOf(chainId: string, id: string, bytes: Uint8Array<ArrayBuffer>, cid: string): FileToPin {
  const name = `vdc-${chainId}-document-${id}.json`;
  return { kind: "document", bytes, cid, name, keyvalues: { ...documentPins(chainId), documentId: id } };
}

/** The record in the bytes of a document, by its CID, its id and its owner's signature; or what is wrong with them. */
export async function soundRecord(
  bytes: Uint8Array<ArrayBuffer>,
  { id, cid }: Pick<IndexedDocument, "id" | "cid">,
  chainId: string,
): Promise<DocumentRecord | string> {
  if ((await cidV0(bytes)) !== cid) return `its bytes are not those of ${cid}`;
  return readRecord(bytes, id, chainId);
}

/** As `soundRecord`, of a document whose CID is not known. */
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
