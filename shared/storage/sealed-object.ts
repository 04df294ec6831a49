import * as v from "valibot";
import { utf8 } from "../crypto/bytes.ts";
import { canonicalBytes, canonicalText, type Json } from "../crypto/canonical.ts";
import { Envelope } from "../crypto/envelope.ts";
import { sealedKeyIn, PolicyViolation, type Kind } from "./policies.ts";
import { createOnly, replaceOnly } from "./r2-tier.ts";

/** Data in an envelope, on its way into storage. */
export interface Sealed {
  readonly kind: Kind;
  /** The id in its key. */
  readonly id: string;
  readonly envelope: Envelope;
  /** Key id of the user's registered encryption key, for data that belongs to a user. */
  readonly sealedTo?: string;
}

/**
 * Creates the R2 object `{envelope}` of sealed data; the first object stays.
 * @param facts public metadata beside the object (R2 custom metadata)
 * @returns false when the object exists already
 * @throws PolicyViolation, before any write, when the policy forbids storing it like this
 */
export function createSealed(
  bucket: R2Bucket,
  sealed: Sealed,
  facts?: Record<string, string>,
): Promise<boolean> {
  return createOnly(bucket, r2KeyOf(sealed), canonicalBytes(sealed.envelope), facts);
}

/**
 * Changes the metadata of sealed data, once: replaces the object that was created.
 *
 * R2's ETag is a hash of the contents. With the same bytes the new version would have the old ETag, and every writer that
 * read the old version could still replace it. Therefore a line feed follows the envelope here, which has no meaning in
 * JSON.
 * @param etag of the object as it was created
 * @returns false when another version is present
 * @throws PolicyViolation, before any write, when the policy forbids storing it like this
 */
export function replaceSealed(
  bucket: R2Bucket,
  sealed: Sealed,
  etag: string,
  facts?: Record<string, string>,
): Promise<boolean> {
  return replaceOnly(bucket, r2KeyOf(sealed), etag, utf8(`${canonicalText(sealed.envelope)}\n`), facts);
}

/** A record that holds an envelope; its other members are public. */
type SealedRecord = { readonly envelope: Envelope } & { readonly [member: string]: Json | undefined };

/**
 * Writes the KV value of a sealed record: canonical JSON. The last record stays.
 * @throws PolicyViolation, before any write, when the policy forbids storing it like this
 */
export async function putSealedRecord(
  kv: KVNamespace,
  { kind, id, record, sealedTo }: Omit<Sealed, "envelope"> & { readonly record: SealedRecord },
): Promise<void> {
  const { envelope } = record;
  refuseOther(kind, envelope);
  const key = sealedKeyIn("kv", kind, id, { envelope, ...(sealedTo !== undefined && { sealedTo }) });
  await kv.put(key, canonicalText(record));
}

function r2KeyOf({ kind, id, envelope, sealedTo }: Sealed): string {
  refuseOther(kind, envelope);
  return sealedKeyIn("r2", kind, id, { envelope, ...(sealedTo !== undefined && { sealedTo }) });
}

/** Refuses a value with other members than an envelope's, or without ciphertext: it may hold plaintext. */
function refuseOther(kind: Kind, envelope: unknown): void {
  if (!v.is(Envelope, envelope)) throw new PolicyViolation(`a ${kind} is kept in an envelope`);
}
