import { hash, randomBytes } from "node:crypto";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { oid, TAG, tlv, unsignedInteger } from "../../../shared/timestamp/der.ts";
import { OID } from "../../../shared/timestamp/oids.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
/** The local authority outlives every local chain. */
const VALID_YEARS = 30;

/** The keys and certificates of a time-stamp authority: an issuer that signed one certificate, and is not needed again. */
export interface AuthorityFiles {
  /** The certificate to pin. */
  readonly issuer: Bytes;
  readonly certificate: Bytes;
  /** PKCS #8 of the certificate's key. */
  readonly key: Bytes;
}

export async function makeAuthority(now: number): Promise<AuthorityFiles> {
  const root = await newKey();
  const own = await newKey();
  const issuerName = nameOf("VDC local time-stamp issuer");
  const period = validity(now);
  const issuer = await issueCertificate(root.privateKey, {
    issuer: issuerName,
    subject: issuerName,
    period,
    key: root.spki,
    extensions: [
      extension(OID.basicConstraints, true, tlv(TAG.sequence, TRUE, unsignedInteger(Uint8Array.of(0)))),
      extension(OID.keyUsage, true, tlv(TAG.bitString, Uint8Array.of(1, 0b0000_0110))),
      extension(OID.subjectKeyIdentifier, false, keyIdentifier(root.spki)),
    ],
  });
  const certificate = await issueCertificate(root.privateKey, {
    issuer: issuerName,
    subject: nameOf("VDC local time-stamp authority"),
    period,
    key: own.spki,
    extensions: [
      extension(OID.keyUsage, true, tlv(TAG.bitString, Uint8Array.of(7, 0b1000_0000))),
      extension(OID.extendedKeyUsage, true, tlv(TAG.sequence, oid(OID.timeStamping))),
      extension(OID.subjectKeyIdentifier, false, keyIdentifier(own.spki)),
    ],
  });
  return { issuer, certificate, key: await exported("pkcs8", own.privateKey) };
}

/** Reads the private key of an authority. */
export function importKey(pkcs8: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("pkcs8", pkcs8, CURVE, false, ["sign"]);
}

export const ecdsaWithSha256 = tlv(TAG.sequence, oid(OID.ecdsaSha256));

/** Signs with ECDSA and SHA-256, in the form of certificates: `r` and `s` as a sequence. */
export async function signEcdsa(key: CryptoKey, bytes: Bytes): Promise<Bytes> {
  const joined = new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, bytes));
  const half = joined.length / 2;
  return tlv(TAG.sequence, unsignedInteger(joined.slice(0, half)), unsignedInteger(joined.slice(half)));
}

/** GeneralizedTime in whole seconds. */
export function generalizedTime(milliseconds: number): Bytes {
  const digits = new Date(milliseconds).toISOString().slice(0, 19).replaceAll(/[-:T]/g, "");
  return tlv(TAG.generalizedTime, utf8(`${digits}Z`));
}

export interface CertificateContents {
  readonly issuer: Bytes;
  readonly subject: Bytes;
  readonly period: Bytes;
  readonly key: Bytes;
  readonly extensions: readonly Bytes[];
}

const TRUE = tlv(TAG.boolean, Uint8Array.of(0xff));

/** Issues a certificate of X.509 version 3. */
export async function issueCertificate(key: CryptoKey, contents: CertificateContents): Promise<Bytes> {
  const signed = tlv(
    TAG.sequence,
    tlv(TAG.context0, unsignedInteger(Uint8Array.of(2))),
    unsignedInteger(randomBytes(16)),
    ecdsaWithSha256,
    contents.issuer,
    contents.period,
    contents.subject,
    contents.key,
    tlv(TAG.context3, tlv(TAG.sequence, ...contents.extensions)),
  );
  const signature = tlv(TAG.bitString, Uint8Array.of(0), await signEcdsa(key, signed));
  return tlv(TAG.sequence, signed, ecdsaWithSha256, signature);
}

export async function newKey(): Promise<{ privateKey: CryptoKey; spki: Bytes }> {
  const pair = (await crypto.subtle.generateKey(CURVE, true, ["sign", "verify"])) as CryptoKeyPair;
  return { privateKey: pair.privateKey, spki: await exported("spki", pair.publicKey) };
}

async function exported(format: "pkcs8" | "spki", key: CryptoKey): Promise<Bytes> {
  return new Uint8Array((await crypto.subtle.exportKey(format, key)) as ArrayBuffer);
}

export function nameOf(commonName: string): Bytes {
  const pair = tlv(TAG.sequence, oid("2.5.4.3"), tlv(TAG.utf8String, utf8(commonName)));
  return tlv(TAG.sequence, tlv(TAG.set, pair));
}

/** From an hour ago, so that a clock that is set back a little does no harm. UTCTime ends in 2049 (RFC 5280 §4.1.2.5). */
export function validity(now: number): Bytes {
  const year = new Date(now).getUTCFullYear() + VALID_YEARS;
  return tlv(TAG.sequence, timeIn(now - 3_600_000), timeIn(Date.UTC(year, 0, 1)));
}

function timeIn(milliseconds: number): Bytes {
  const date = new Date(milliseconds);
  if (date.getUTCFullYear() >= 2050) return generalizedTime(milliseconds);
  const digits = date.toISOString().slice(2, 19).replaceAll(/[-:T]/g, "");
  return tlv(TAG.utcTime, utf8(`${digits}Z`));
}

export function extension(name: string, isCritical: boolean, value: Bytes): Bytes {
  return tlv(TAG.sequence, oid(name), ...(isCritical ? [TRUE] : []), tlv(TAG.octetString, value));
}

function keyIdentifier(spki: Bytes): Bytes {
  return tlv(TAG.octetString, Uint8Array.from(hash("sha256", spki, "buffer")).slice(0, 20));
}
