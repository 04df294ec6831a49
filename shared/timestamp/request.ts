import { sha256 } from "../crypto/hash.ts";
import { oid, TAG, tlv, unsignedInteger } from "./der.ts";
import { OID } from "./oids.ts";

/** Bytes of the random number that binds an answer to its request. */
export const NONCE_BYTES = 8;

/**
 * Makes a TimeStampReq (RFC 3161 §2.4.1): SHA-256 of the data, the nonce, and the wish for the authority's certificate.
 * @param nonce 8 random bytes
 */
export function timestampRequest(data: Uint8Array, nonce: Uint8Array): Uint8Array<ArrayBuffer> {
  if (nonce.length !== NONCE_BYTES) throw new TypeError(`a nonce has ${NONCE_BYTES} bytes`);
  return tlv(
    TAG.sequence,
    unsignedInteger(Uint8Array.of(1)),
    messageImprint(sha256(data)),
    unsignedInteger(nonce),
    tlv(TAG.boolean, Uint8Array.of(0xff)),
  );
}

/** MessageImprint of a SHA-256. */
export function messageImprint(hash: Uint8Array): Uint8Array<ArrayBuffer> {
  return tlv(TAG.sequence, sha256Algorithm(), tlv(TAG.octetString, hash));
}

/** AlgorithmIdentifier of SHA-256, with NULL as OpenSSL writes it. */
export function sha256Algorithm(): Uint8Array<ArrayBuffer> {
  return tlv(TAG.sequence, oid(OID.sha256), tlv(TAG.null));
}
