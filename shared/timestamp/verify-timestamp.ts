import { equalBytes, hex } from "../crypto/bytes.ts";
import { type Hash, hashOf, verifySignature } from "./algorithms.ts";
import { type Certificate, isForTimeStamping, readIssuers } from "./certificate.ts";
import { requireChain } from "./chain.ts";
import {
  type Der,
  expectTag,
  integerOf,
  oidOf,
  onlyIn,
  readDer,
  sequenceOf,
  TAG,
  unsignedInteger,
} from "./der.ts";
import { InvalidTimestamp, type TimestampFault } from "./invalid-timestamp.ts";
import { nameText } from "./name-text.ts";
import { OID } from "./oids.ts";
import { readResponse, type Signer, type TimestampInfo, type Token } from "./token.ts";

/** The longest answer of an authority that is read. Real ones have 1 to 7 kB. */
export const MAX_TIMESTAMP_BYTES = 64 * 1024;

export interface TimestampToVerify {
  /** The DER of a TimeStampResp: the contents of a `.tsr` file. */
  readonly response: Uint8Array;
  /** The data that was stamped, whole. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** The nonce of the request. Absent when the stamp was made earlier, for another request. */
  readonly nonce?: Uint8Array | undefined;
  /** Pinned certificates, as PEM: of authorities, of their issuers, or both. */
  readonly issuers: string;
}

export interface VerifiedTimestamp {
  /** The stamped time in milliseconds, by the authority's clock. */
  readonly time: number;
  /** The stamp's number at the authority, in lower-case hex. */
  readonly serial: string;
  /** The subject of the authority's certificate, for people. */
  readonly authority: string;
  /** The object identifier of the policy under which the authority stamps. */
  readonly policy: string;
}

/**
 * Verifies a time stamp (RFC 3161, RFC 5816) against pinned certificates. The time comes from the signed statement.
 * @throws InvalidTimestamp with a reason of `TIMESTAMP_FAULTS`
 * @throws TypeError when `issuers` holds no usable certificate
 */
export async function verifyTimestamp(stamp: TimestampToVerify): Promise<VerifiedTimestamp> {
  const pinned = readIssuers(stamp.issuers);
  if (stamp.response.length > MAX_TIMESTAMP_BYTES)
    throw new InvalidTimestamp("too_large", `the answer has more than ${MAX_TIMESTAMP_BYTES} bytes`);
  const token = readResponse(stamp.response);
  const { info, signer } = token;
  await requireStatement(info, stamp);
  const certificate = signerCertificate(token, pinned);
  await requireNamed(certificate, signer);
  if (!isForTimeStamping(certificate))
    refuse("not_for_time_stamping", "the certificate is not for time stamping, and for nothing else");
  await requireChain(certificate, token.certificates, pinned, info.time);
  await requireSignature(token, certificate);
  return {
    time: info.time,
    serial: hex(info.serial),
    authority: nameText(certificate.subject),
    policy: info.policy,
  };
}

async function requireStatement(info: TimestampInfo, { data, nonce }: TimestampToVerify): Promise<void> {
  if (info.hash !== "SHA-256") refuse("wrong_hash_algorithm", "the stamp is not over a SHA-256");
  if (!equalBytes(info.imprint, await digest("SHA-256", data)))
    refuse("wrong_imprint", "the stamp is over other data");
  const expected = nonce && unsignedInteger(nonce).slice(2);
  if (expected && !(info.nonce && equalBytes(info.nonce, expected)))
    refuse("wrong_nonce", "the stamp answers another request");
}

/** Finds the signer's certificate in the token, or among the pinned ones: an authority may leave out its own. */
function signerCertificate({ signer, certificates }: Token, pinned: readonly Certificate[]): Certificate {
  const found = [...certificates, ...pinned].find((certificate) => isNamedBy(signer.id, certificate));
  return found ?? refuse("unsigned", "the signer's certificate is neither in the token nor pinned");
}

function isNamedBy(id: Der, { issuer, serial, extensions }: Certificate): boolean {
  if (id.tag === TAG.sequence) {
    const [name, number] = id.children;
    return (
      name !== undefined &&
      equalBytes(name.bytes, issuer.bytes) &&
      equalBytes(integerOf(number, "the serial"), serial)
    );
  }
  const identifier = extensions.get(OID.subjectKeyIdentifier);
  if (identifier === undefined) return false;
  return equalBytes(
    expectTag(readDer(identifier.value), TAG.octetString, "the key identifier").content,
    id.content,
  );
}

/** RFC 3161 §2.4.2 and RFC 5816: the signer signs the hash of its own certificate, in either form. */
async function requireNamed(certificate: Certificate, { attributes }: Signer): Promise<void> {
  const ids = [OID.signingCertificate, OID.signingCertificateV2].flatMap((name) => {
    const values = attributes.get(name);
    if (values === undefined) return [];
    const [list] = sequenceOf(onlyIn(values, "the certificate id"), "the certificate id");
    return [
      { isOld: name === OID.signingCertificate, parts: sequenceOf(sequenceOf(list, "the ids")[0], "the id") },
    ];
  });
  if (ids.length === 0) refuse("certificate_mismatch", "the signer does not sign the id of its certificate");
  for (const { isOld, parts } of ids) {
    const [first, ...others] = parts;
    const namesHash = !isOld && first?.tag === TAG.sequence;
    const hash: Hash | undefined = isOld ? "SHA-1" : namesHash ? hashOf(first, "the id's hash") : "SHA-256";
    const [hashed, issuerSerial] = namesHash ? others : parts;
    const { content } = expectTag(hashed, TAG.octetString, "the hash of the certificate");
    if (hash === undefined || !equalBytes(content, await digest(hash, certificate.bytes)))
      refuse("certificate_mismatch", "the signed certificate id is of another certificate");
    if (issuerSerial !== undefined) requireIssuerSerial(issuerSerial, certificate);
  }
}

function requireIssuerSerial(issuerSerial: Der, { issuer, serial }: Certificate): void {
  const [names, number] = sequenceOf(issuerSerial, "the issuer of the certificate id");
  const name = expectTag(sequenceOf(names, "the issuer's names")[0], TAG.context4, "the issuer's name");
  if (
    !equalBytes(onlyIn(name, "the name").bytes, issuer.bytes) ||
    !equalBytes(integerOf(number, "the serial"), serial)
  )
    refuse("certificate_mismatch", "the signed certificate id has another issuer or serial number");
}

/** RFC 5652 §5.4 and §5.6: the signature covers the attributes, and these the hash of the statement. */
async function requireSignature({ content, signer }: Token, { publicKey }: Certificate): Promise<void> {
  const { attributes, digest: hash, algorithm, signature, signed } = signer;
  const [type, hashed] = [attributes.get(OID.contentType), attributes.get(OID.messageDigest)];
  if (type === undefined || hashed === undefined)
    refuse("unsigned", "the signature does not cover the statement");
  if (oidOf(onlyIn(type, "the content type"), "the content type") !== OID.timestampInfo)
    refuse("wrong_signature", "the signature is over contents of another type");
  const covered = expectTag(
    onlyIn(hashed, "the message digest"),
    TAG.octetString,
    "the message digest",
  ).content;
  if (!equalBytes(covered, await digest(hash, content)))
    refuse("wrong_signature", "the signature is over another statement");
  if (!(await verifySignature(algorithm, hash, publicKey, signature, signed)))
    refuse("wrong_signature", "the signature does not verify");
}

async function digest(hash: Hash, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(hash, bytes));
}

function refuse(reason: TimestampFault, detail: string): never {
  throw new InvalidTimestamp(reason, detail);
}
