import { equalBytes } from "../crypto/bytes.ts";
import {
  expectTag,
  integerOf,
  malformed,
  oidOf,
  onlyIn,
  readDer,
  sequenceOf,
  smallOf,
  timeOf,
  wholeBitsOf,
} from "./der.ts";
import { type Der, TAG } from "./der.ts";
import { OID } from "./oids.ts";

/** A certificate (RFC 5280 §4.1), as far as a time stamp needs it. */
export interface Certificate {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The bytes that its issuer signed. */
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly signatureAlgorithm: Der;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly serial: Uint8Array<ArrayBuffer>;
  readonly issuer: Der;
  readonly subject: Der;
  /** Milliseconds, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: Der;
  readonly extensions: ReadonlyMap<string, Extension>;
}

interface Extension {
  readonly isCritical: boolean;
  readonly value: Uint8Array<ArrayBuffer>;
}

/** @throws InvalidTimestamp "malformed", "trailing_bytes" */
export function readCertificate(bytes: Uint8Array): Certificate {
  return certificateOf(readDer(bytes));
}

/** @throws InvalidTimestamp "malformed" */
export function certificateOf(der: Der): Certificate {
  const [signed, algorithm, signature, ...more] = sequenceOf(der, "the certificate");
  const [version, serial, innerAlgorithm, issuer, validity, subject, publicKey, ...rest] = sequenceOf(
    signed,
    "the certificate's contents",
  );
  const [notBefore, notAfter] = sequenceOf(validity, "the certificate's validity");
  const number = smallOf(
    onlyIn(expectTag(version, TAG.context0, "the version"), "the version"),
    "the version",
  );
  const outer = expectTag(algorithm, TAG.sequence, "the signature's algorithm");
  const isSame = innerAlgorithm !== undefined && equalBytes(innerAlgorithm.bytes, outer.bytes);
  if (more.length > 0 || number !== 2 || !isSame)
    throw malformed("the certificate is not of X.509 version 3");
  return {
    bytes: der.bytes,
    signed: (signed as Der).bytes,
    signatureAlgorithm: outer,
    signature: wholeBitsOf(signature, "the certificate's signature"),
    serial: integerOf(serial, "the certificate's serial number"),
    issuer: expectTag(issuer, TAG.sequence, "the issuer"),
    subject: expectTag(subject, TAG.sequence, "the subject"),
    notBefore: timeOf(notBefore, "the beginning of the validity"),
    notAfter: timeOf(notAfter, "the end of the validity"),
    publicKey: expectTag(publicKey, TAG.sequence, "the public key"),
    extensions: extensionsOf(rest.find(({ tag }) => tag === TAG.context3)),
  };
}

function extensionsOf(der: Der | undefined): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  if (der === undefined) return found;
  for (const extension of sequenceOf(onlyIn(der, "the extensions"), "the extensions")) {
    const parts = sequenceOf(extension, "an extension");
    const id = oidOf(parts[0], "an extension's name");
    const isCritical = parts[1]?.tag === TAG.boolean && parts[1].content[0] !== 0;
    const value = expectTag(parts.at(-1), TAG.octetString, "an extension's value").content;
    if (found.has(id)) throw malformed("an extension stands twice in a certificate");
    found.set(id, { isCritical, value });
  }
  return found;
}

/** Whether the certificate may sign other certificates, and how many may follow below it. undefined: it may not. */
export function authorityDepth({ extensions }: Certificate): number | undefined {
  const constraints = extensions.get(OID.basicConstraints);
  if (constraints === undefined) return undefined;
  const [isAuthority, depth] = sequenceOf(readDer(constraints.value), "the basic constraints");
  if (isAuthority?.tag !== TAG.boolean || isAuthority.content[0] === 0) return undefined;
  if (!mayUseKeyFor(extensions, SIGNS_CERTIFICATES)) return undefined;
  return depth === undefined ? Infinity : smallOf(depth, "the depth of the basic constraints");
}

/** RFC 3161 §2.3: the extended key usage is critical, and names time stamping alone. */
export function isForTimeStamping({ extensions }: Certificate): boolean {
  const usage = extensions.get(OID.extendedKeyUsage);
  if (usage?.isCritical !== true || !mayUseKeyFor(extensions, SIGNS)) return false;
  const [only, ...more] = sequenceOf(readDer(usage.value), "the extended key usage");
  return more.length === 0 && oidOf(only, "the extended key usage") === OID.timeStamping;
}

/** Bits of the key usage's first byte (RFC 5280 §4.2.1.3): digitalSignature or nonRepudiation; keyCertSign. */
const SIGNS = 0b1100_0000;
const SIGNS_CERTIFICATES = 0b0000_0100;

function mayUseKeyFor(extensions: Certificate["extensions"], bits: number): boolean {
  const usage = extensions.get(OID.keyUsage);
  if (usage === undefined) return true;
  const { content } = expectTag(readDer(usage.value), TAG.bitString, "the key usage");
  return ((content[1] ?? 0) & bits) !== 0;
}

const UNDERSTOOD: readonly string[] = [
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.certificatePolicies,
];

/** Whether a critical extension restricts the certificate in a way that is not checked here (RFC 5280 §4.2). */
export function hasUnknownLimits({ extensions }: Certificate): boolean {
  return [...extensions].some(([id, { isCritical }]) => isCritical && !UNDERSTOOD.includes(id));
}

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;
/** Pinned certificates of one deployment: a bundle of a few authorities. */
const MAX_PINNED = 32;

/**
 * Reads the pinned certificates of a PEM file (RFC 7468). Text between them is ignored.
 * @throws TypeError when there is none, too many, or one that is no certificate: a setting is wrong, not a time stamp
 */
export function readIssuers(pem: string): readonly Certificate[] {
  const blocks = [...pem.matchAll(BLOCK)];
  if (blocks.length === 0 || blocks.length > MAX_PINNED)
    throw new TypeError(`expected 1 to ${MAX_PINNED} certificates in PEM, not ${blocks.length}`);
  return blocks.map(([, text = ""], at) => {
    try {
      return readCertificate(
        Uint8Array.from(atob(text.replaceAll(/\s/g, "")), (letter) => letter.charCodeAt(0)),
      );
    } catch {
      throw new TypeError(`certificate ${at + 1} of the PEM text is no X.509 certificate of version 3`);
    }
  });
}

export function pemOf(certificate: Uint8Array): string {
  const text = btoa(String.fromCharCode(...certificate));
  return `-----BEGIN CERTIFICATE-----\n${text.replaceAll(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}
