import { hash, randomBytes } from "node:crypto";
import { readCertificate } from "../../../shared/timestamp/certificate.ts";
import {
  expectTag,
  integerOf,
  oid,
  readDer,
  sequenceOf,
  smallOf,
  TAG,
  tlv,
  unsignedInteger,
} from "../../../shared/timestamp/der.ts";
import { hashOf } from "../../../shared/timestamp/algorithms.ts";
import { OID } from "../../../shared/timestamp/oids.ts";
import { messageImprint, sha256Algorithm } from "../../../shared/timestamp/request.ts";
import { ecdsaWithSha256, generalizedTime, signEcdsa } from "./certificates.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A request for a stamp, as far as the local authority reads it. */
export interface StampRequest {
  /** SHA-256 of the data. */
  readonly imprint: Uint8Array;
  readonly nonce: Uint8Array | undefined;
}

export interface StampingKey {
  readonly certificate: Bytes;
  readonly key: CryptoKey;
}

/** The policy of the local authority, from the arc that is free for examples (2.999). */
const POLICY = "2.999.1";

/** @throws InvalidTimestamp when the bytes are no TimeStampReq over a SHA-256 */
export function readRequest(bytes: Uint8Array): StampRequest {
  const [version, imprint, ...optional] = sequenceOf(readDer(bytes), "the request");
  const [algorithm, hashed] = sequenceOf(imprint, "the imprint");
  if (smallOf(version, "the version") !== 1 || hashOf(algorithm, "the hash") !== "SHA-256")
    throw new TypeError("expected a request of version 1 over a SHA-256");
  const nonce = optional.find(({ tag }) => tag === TAG.integer);
  return {
    imprint: expectTag(hashed, TAG.octetString, "the imprint").content,
    nonce: nonce && integerOf(nonce, "the nonce"),
  };
}

/** Makes a TimeStampResp with status "granted". Its certificate is always in it. */
export async function grantedResponse(
  request: StampRequest,
  now: number,
  { certificate, key }: StampingKey,
): Promise<Bytes> {
  const { issuer, serial } = readCertificate(certificate);
  const statement = tlv(
    TAG.sequence,
    unsignedInteger(Uint8Array.of(1)),
    oid(POLICY),
    messageImprint(request.imprint),
    unsignedInteger(randomBytes(8)),
    generalizedTime(now),
    ...(request.nonce ? [unsignedInteger(request.nonce)] : []),
  );
  const certificateId = tlv(TAG.sequence, tlv(TAG.octetString, sha256(certificate)));
  const attributes = [
    attribute(OID.contentType, oid(OID.timestampInfo)),
    attribute(OID.messageDigest, tlv(TAG.octetString, sha256(statement))),
    attribute(OID.signingCertificateV2, tlv(TAG.sequence, tlv(TAG.sequence, certificateId))),
  ].toSorted(Buffer.compare); // a SET OF is sorted (X.690 §11.6)
  const signer = tlv(
    TAG.sequence,
    unsignedInteger(Uint8Array.of(1)),
    tlv(TAG.sequence, issuer.bytes, tlv(TAG.integer, serial)),
    sha256Algorithm(),
    tlv(TAG.context0, ...attributes),
    ecdsaWithSha256,
    tlv(TAG.octetString, await signEcdsa(key, tlv(TAG.set, ...attributes))),
  );
  const signedData = tlv(
    TAG.sequence,
    unsignedInteger(Uint8Array.of(3)),
    tlv(TAG.set, sha256Algorithm()),
    tlv(TAG.sequence, oid(OID.timestampInfo), tlv(TAG.context0, tlv(TAG.octetString, statement))),
    tlv(TAG.context0, certificate),
    tlv(TAG.set, signer),
  );
  const token = tlv(TAG.sequence, oid(OID.signedData), tlv(TAG.context0, signedData));
  return tlv(TAG.sequence, status(0), token);
}

/** Makes a TimeStampResp without a stamp: status "rejection". */
export function rejectedResponse(): Bytes {
  return tlv(TAG.sequence, status(2));
}

function status(number: number): Bytes {
  return tlv(TAG.sequence, unsignedInteger(Uint8Array.of(number)));
}

function attribute(name: string, value: Bytes): Bytes {
  return tlv(TAG.sequence, oid(name), tlv(TAG.set, value));
}

function sha256(bytes: Uint8Array): Bytes {
  return new Uint8Array(hash("sha256", bytes, "buffer"));
}
