import * as v from "valibot";
import { concat, fromBase64url, fromUtf8, utf8 } from "../crypto/bytes.ts";
import { canonicalBytes, canonicalText, parseCanonical } from "../crypto/canonical.ts";
import { DOCUMENT } from "../crypto/contexts.ts";
import { Envelope } from "../crypto/envelope.ts";
import { sha256HexOfFile } from "../crypto/hash.ts";
import { SEALED_NAMES } from "./sealed-names.ts";
import { CidV0, Sha256Hex, UserSignature } from "./transaction.ts";
import { verifySignature } from "./user-signature.ts";
import { faultText } from "../schema/issue-text.ts";

/** Most bytes of a document before encryption. */
export const MAX_DOCUMENT_BYTES = 20_000_000;

/** Most characters of the ciphertext and its 16-byte tag in base64url without padding. */
const MAX_CT_CHARACTERS = Math.ceil(((MAX_DOCUMENT_BYTES + 16) * 4) / 3);

/** Bytes of a record without its ciphertext: every other member has a fixed length. */
const FRAME_BYTES = 6_798;

/** Most bytes of a record. */
export const MAX_RECORD_BYTES = FRAME_BYTES + MAX_CT_CHARACTERS;

/** A document as VDC stores, pins and shows it. */
export const SignedDocument = v.strictObject({ envelope: Envelope, signature: UserSignature });
export type SignedDocument = v.InferOutput<typeof SignedDocument>;

export type DocumentEnvelope = Omit<Envelope, "ct">;

/** `stored`: in R2, and about to be pinned · `pinned`: in R2 and on IPFS, by its latest verification. */
export const DocumentState = v.picklist(["stored", "pinned"]);
export type DocumentState = v.InferOutput<typeof DocumentState>;

/**
 * Status of a document by its latest verification. unverified: it waits for its first pin, or was read from a list of R2 or of the
 * pinning service after the index had been lost
 */
export const IndexedStatus = v.picklist(["unverified", "ok", "partial", "failed"]);
export type IndexedStatus = v.InferOutput<typeof IndexedStatus>;

/** The state of a stored document. */
export const DocumentStatus = v.strictObject({
  id: Sha256Hex,
  documentCid: CidV0,
  /** Bytes of the record. */
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  state: DocumentState,
});
export type DocumentStatus = v.InferOutput<typeof DocumentStatus>;

/** The answer to an upload. */
export const StoredDocument = v.strictObject({
  ...DocumentStatus.entries,
  owner: Sha256Hex,
  documentUrl: v.string(),
});
export type StoredDocument = v.InferOutput<typeof StoredDocument>;

/**
 * The bytes that the owner signs (context `vdc/document/v1`). They hold the chain's id, so a document of one chain cannot
 * be shown as a document of another.
 */
export function signedDocumentBytes(chainId: string, documentId: string): Uint8Array<ArrayBuffer> {
  return canonicalBytes({ chainId, documentId });
}

/** The bytes are not the record of a document. */
export class InvalidDocument extends Error {
  override readonly name = "InvalidDocument";
}

/**
 * A document as it is stored and pinned: the canonical JSON `{"envelope":{ct,enc,kid,suite,txId,v},"signature":{…}}`.
 * Only `read` makes one, after its checks, so an instance always holds an envelope and never a document in clear.
 */
export class DocumentRecord {
  /** SHA-256 of the envelope's canonical bytes. */
  readonly id: string;
  /** User id of the signer; the envelope is sealed as theirs. */
  readonly owner: string;
  /** The envelope without its ciphertext. */
  readonly envelope: DocumentEnvelope;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #signature: UserSignature;
  readonly #ct: Uint8Array;

  private constructor(
    id: string,
    { envelope, signature }: SignedDocument,
    bytes: Uint8Array<ArrayBuffer>,
    ct: Uint8Array,
  ) {
    this.id = id;
    this.owner = signature.keyId;
    const { ct: _, ...header } = envelope;
    this.envelope = header;
    this.bytes = bytes;
    this.#signature = signature;
    this.#ct = ct;
  }

  /**
   * Reads a record in place: its 27 MB are neither decoded nor copied. Does not verify the signature.
   * @throws InvalidDocument that names the fault
   */
  static async read(bytes: Uint8Array<ArrayBuffer>): Promise<DocumentRecord> {
    if (bytes.length > MAX_RECORD_BYTES)
      throw new InvalidDocument(`a document's record has at most ${MAX_RECORD_BYTES} bytes`);
    if (!PREFIX.every((byte, i) => bytes[i] === byte))
      throw new InvalidDocument("it is not canonical JSON that begins with the envelope's ct");
    const end = bytes.indexOf(QUOTE, PREFIX.length);
    const ct = bytes.subarray(PREFIX.length, Math.max(end, PREFIX.length));
    if (end < 0 || !isBase64url(ct)) throw new InvalidDocument("ct is not base64url without padding");
    if (ct.length > MAX_CT_CHARACTERS)
      throw new InvalidDocument(`a document has at most ${MAX_DOCUMENT_BYTES} bytes`);
    if (ct.length < SHORTEST_CT.length) throw new InvalidDocument("ct is shorter than its tag");
    const frame = readFrame(bytes.subarray(end));
    const behind = utf8(`,"signature":${canonicalText(frame.signature)}}`).length;
    const id = await sha256HexOfFile(bytes.subarray(ENVELOPE_AT, bytes.length - behind));
    return new DocumentRecord(id, frame, bytes, ct);
  }

  /** Decides whether the owner signed this envelope for this chain. */
  verify(chainId: string): Promise<boolean> {
    return verifySignature(this.#signature, signedDocumentBytes(chainId, this.id), DOCUMENT);
  }

  /** The envelope with its ciphertext as a string, for opening. */
  sealed(): Envelope {
    return { ...this.envelope, ct: fromUtf8(this.#ct) };
  }
}

const PREFIX = utf8('{"envelope":{"ct":"');
const ENVELOPE_AT = utf8('{"envelope":').length;
const QUOTE = 0x22;
const SHORTEST_CT = "A".repeat(22);
const ct = utf8(SHORTEST_CT);

/** @param tail the record from the quote after its ciphertext */
function readFrame(tail: Uint8Array): SignedDocument {
  if (tail.length > FRAME_BYTES) throw new InvalidDocument("it is larger than its parts may be");
  try {
    const frame = parseCanonical(SignedDocument, concat(PREFIX, ct, tail));
    fromBase64url(frame.envelope.enc);
    if (frame.envelope.txId !== SEALED_NAMES.document(frame.signature.keyId))
      throw new InvalidDocument("its envelope is not sealed as a document of whoever signed it");
    return frame;
  } catch (error) {
    if (error instanceof v.ValiError) {
      const [issue] = (error as v.ValiError<typeof SignedDocument>).issues;
      throw new InvalidDocument(
        `member ${v.getDotPath(issue)?.slice(0, 100) ?? "at the top"}: ${faultText(issue)}`,
      );
    }
    if (error instanceof SyntaxError || error instanceof TypeError)
      throw new InvalidDocument("it is not canonical JSON (RFC 8785) in canonical base64url");
    throw error;
  }
}

/** Value of each byte in base64url (RFC 4648 §5), or -1. */
const VALUES = new Int8Array(256).fill(-1);
for (const [value, byte] of utf8(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
).entries())
  VALUES[byte] = value;

/**
 * Decides whether the text is the one canonical spelling of some bytes: no padding, no stray bits in the last character.
 */
function isBase64url(text: Uint8Array): boolean {
  let seen = 0;
  for (let i = 0; i < text.length; i++) seen |= VALUES[text[i] as number] as number;
  if (seen < 0) return false;
  const last = VALUES[text.at(-1) ?? 0] ?? 0;
  const rest = text.length % 4;
  return rest === 0 || (rest === 2 && (last & 0b1111) === 0) || (rest === 3 && (last & 0b11) === 0);
}
