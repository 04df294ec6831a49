import * as v from "valibot";
import { CidV0, Sha256Hex } from "../chain/transaction.ts";
import type { DocumentRecord } from "../chain/document.ts";
import type { FileToPin } from "./ipfs-tier.ts";
import { r2Keys } from "./layout.ts";
import { checkSealed, sealedKeyIn, type SealedIn } from "./policies.ts";
import { createOnly } from "./r2-tier.ts";

/** What R2 tells of a document without reading it (custom metadata): which pin is its, and whose it is. */
const Facts = v.object({ cid: CidV0, owner: Sha256Hex });

export interface DocumentFacts extends v.InferOutput<typeof Facts> {
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

/** `undefined` when R2 says that there is none. */
export async function findDocument(bucket: R2Bucket, id: string): Promise<DocumentFacts | undefined> {
  const object = await bucket.head(r2Keys.document(id));
  return object === null ? undefined : { ...v.parse(Facts, object.customMetadata), bytes: object.size };
}

function sealedIn({ document: { envelope, owner }, encryptionKeyId }: OwnedDocument): SealedIn {
  return { envelope, of: owner, sealedTo: encryptionKeyId };
}

/** By other key values than blocks, which are counted by theirs. */
function fileOf(chainId: string, id: string, bytes: Uint8Array<ArrayBuffer>, cid: string): FileToPin {
  const name = `vdc-${chainId}-document-${id}.json`;
  return { kind: "document", bytes, cid, name, keyvalues: { documentsOf: chainId, documentId: id } };
}
