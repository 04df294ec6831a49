import * as v from "valibot";
import { utf8 } from "../crypto/bytes.ts";
import { canonicalBytes, canonicalText, type Json } from "../crypto/canonical.ts";
import { Envelope } from "../crypto/envelope.ts";
import { sealedKeyIn, PolicyViolation, type Kind } from "./policies.ts";
import { createOnly, replaceOnly } from "./r2-tier.ts";

/** A thing in an envelope, on its way into storage. */
export interface Sealed {
  readonly kind: Kind;
  /** What its key names it by. */
  readonly id: string;
  readonly envelope: Envelope;
  /** Key id of the user's registered encryption key, for what is the user's. */
  readonly sealedTo?: string;
}

/**
 * Creates the R2 object `{envelope}` of a sealed thing; the first one stays.
 * @param facts what is told in clear beside it (R2 custom metadata)
 * @returns false when there is one already
 * @throws PolicyViolation when it must not be kept like this; nothing is written then
 */
export function createSealed(
  bucket: R2Bucket,
  sealed: Sealed,
  facts?: Record<string, string>,
): Promise<boolean> {
  return createOnly(bucket, r2KeyOf(sealed), canonicalBytes(sealed.envelope), facts);
}

/**
 * Tells other facts beside a sealed thing: puts its object in the place of the one that was created, once.
 *
 * R2's ETag is a hash of the contents: with the same bytes the new version would have the old one's ETag, and everybody
 * who has seen that one would replace it. So a line feed follows the envelope here, which means nothing in JSON.
 * @param etag of the object as it was created
 * @returns false when that is not the present version
 * @throws PolicyViolation when it must not be kept like this; nothing is written then
 */
export function replaceSealed(
  bucket: R2Bucket,
  sealed: Sealed,
  etag: string,
  facts?: Record<string, string>,
): Promise<boolean> {
  return replaceOnly(bucket, r2KeyOf(sealed), etag, utf8(`${canonicalText(sealed.envelope)}\n`), facts);
}

/** A record with its envelope in it; its other members are in clear. */
type SealedRecord = { readonly envelope: Envelope } & { readonly [member: string]: Json | undefined };

/**
 * Puts the KV value of a sealed record: canonical JSON. The last one stays.
 * @throws PolicyViolation when it must not be kept like this; nothing is written then
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

/** What has more members than an envelope, or no ciphertext, is none: it may hold anything in clear. */
function refuseOther(kind: Kind, envelope: unknown): void {
  if (!v.is(Envelope, envelope)) throw new PolicyViolation(`a ${kind} is kept in an envelope`);
}
