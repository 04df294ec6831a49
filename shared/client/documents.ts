import {
  DocumentRecord,
  InvalidDocument,
  MAX_DOCUMENT_BYTES,
  signedDocumentBytes,
} from "../chain/document.ts";
import { SEALED_NAMES } from "../chain/sealed-names.ts";
import { canonicalBytes } from "../crypto/canonical.ts";
import { DOCUMENT } from "../crypto/contexts.ts";
import { sha256HexOfFile } from "../crypto/hash.ts";
import { Permanent } from "../runtime/errors.ts";
import type { UserKeys } from "./user-keys.ts";

export interface SealedDocument {
  readonly id: string;
  /** The record, to be sent unchanged. Sealing again gives another record, with another id. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Encrypts a document to the user's own key and signs it for one chain. Only its length is visible. Put a name or a type
 * that belongs to the document into the bytes.
 * @throws RangeError when the document is too large
 */
export async function sealDocument(
  chainId: string,
  document: Uint8Array,
  user: UserKeys,
): Promise<SealedDocument> {
  if (document.length > MAX_DOCUMENT_BYTES)
    throw new RangeError(`a document has at most ${MAX_DOCUMENT_BYTES} bytes, not ${document.length}`);
  const envelope = await user.seal(SEALED_NAMES.document(user.userId), document);
  const id = await sha256HexOfFile(canonicalBytes(envelope));
  const signature = await user.sign(signedDocumentBytes(chainId, id), DOCUMENT);
  return { id, bytes: canonicalBytes({ envelope, signature }) };
}

/**
 * Opens the document in a record. The signature is verified first, so only the user can have written the document.
 * @param id the document that was requested
 * @throws InvalidDocument for bytes that are not a record, Permanent("invalid_signature") or Permanent("undecryptable")
 */
export async function openDocument(
  chainId: string,
  record: Uint8Array<ArrayBuffer>,
  user: UserKeys,
  id?: string,
): Promise<Uint8Array> {
  const document = await DocumentRecord.read(record);
  if (id !== undefined && document.id !== id)
    throw new InvalidDocument(`this is document ${document.id}, not ${id}`);
  if (document.owner !== user.userId)
    throw new Permanent("undecryptable", `the document is of user ${document.owner}`);
  if (!(await document.verify(chainId)))
    throw new Permanent("invalid_signature", "the document is not what its owner signed for this chain");
  return user.open(document.sealed());
}
