import { hashOf, type Hash } from "./algorithms.ts";
import { certificateOf, type Certificate } from "./certificate.ts";
import {
  type Der,
  expectTag,
  integerOf,
  malformed,
  oidOf,
  onlyIn,
  readDer,
  sequenceOf,
  smallOf,
  TAG,
  timeOf,
} from "./der.ts";
import { InvalidTimestamp } from "./invalid-timestamp.ts";
import { OID } from "./oids.ts";

/** A time-stamp token (RFC 3161 §2.4.2 in RFC 5652 §5), read and not verified. */
export interface Token {
  readonly info: TimestampInfo;
  /** The DER of `info`, over which the signer's `messageDigest` is. */
  readonly content: Uint8Array<ArrayBuffer>;
  readonly certificates: readonly Certificate[];
  readonly signer: Signer;
}

export interface TimestampInfo {
  readonly policy: string;
  readonly hash: Hash | undefined;
  readonly imprint: Uint8Array<ArrayBuffer>;
  readonly serial: Uint8Array<ArrayBuffer>;
  /** Milliseconds. */
  readonly time: number;
  readonly nonce: Uint8Array<ArrayBuffer> | undefined;
}

export interface Signer {
  /** `IssuerAndSerialNumber`, or `[0]` with the subject key identifier. */
  readonly id: Der;
  readonly digest: Hash;
  /** The values of each signed attribute, by the attribute's name. */
  readonly attributes: ReadonlyMap<string, Der>;
  /** The bytes that are signed: the attributes as a SET (RFC 5652 §5.4). */
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly algorithm: Der;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** Certificates in one token: real ones have one to four. */
const MAX_CERTIFICATES = 8;

/**
 * Reads a TimeStampResp.
 * @throws InvalidTimestamp "malformed", "trailing_bytes", "not_granted", "unsigned", "unsupported_algorithm"
 */
export function readResponse(bytes: Uint8Array): Token {
  const [status, token, ...more] = sequenceOf(readDer(bytes), "the answer");
  const number = smallOf(sequenceOf(status, "the status")[0], "the status");
  if (number > 1) throw new InvalidTimestamp("not_granted", `the authority answers with status ${number}`);
  if (more.length > 0) throw malformed("the answer has more than a status and a token");
  return readToken(token);
}

function readToken(der: Der | undefined): Token {
  const [type, wrapped] = sequenceOf(der, "the token");
  if (oidOf(type, "the token's type") !== OID.signedData) throw malformed("the token is no SignedData");
  const contents = onlyIn(expectTag(wrapped, TAG.context0, "the token's contents"), "the token's contents");
  const [version, digests, encapsulated, ...rest] = sequenceOf(contents, "the SignedData");
  if (smallOf(version, "the SignedData's version") !== 3)
    throw malformed("the SignedData is not of version 3");
  const [contentType, content] = sequenceOf(encapsulated, "the signed contents");
  if (oidOf(contentType, "the contents' type") !== OID.timestampInfo)
    throw malformed("the token signs no time");
  const wrapper = onlyIn(expectTag(content, TAG.context0, "the signed contents"), "the signed contents");
  const signed = expectTag(wrapper, TAG.octetString, "the signed contents").content;
  const signer = signerOf(expectTag(rest.at(-1), TAG.set, "the signers"));
  const named = expectTag(digests, TAG.set, "the hashes").children.map((one) => hashOf(one, "a hash"));
  if (!named.includes(signer.digest)) throw malformed("the SignedData does not name the signer's hash");
  return {
    info: infoOf(readDer(signed)),
    content: signed,
    certificates: certificatesIn(rest.slice(0, -1)),
    signer,
  };
}

function certificatesIn(optional: readonly Der[]): readonly Certificate[] {
  if (
    optional.some(
      ({ tag }, at) => tag !== TAG.context0 && (tag !== TAG.context1 || at !== optional.length - 1),
    )
  )
    throw malformed("the SignedData has an unknown part");
  const all = optional.filter(({ tag }) => tag === TAG.context0).flatMap(({ children }) => children);
  if (all.length > MAX_CERTIFICATES)
    throw malformed(`the token has more than ${MAX_CERTIFICATES} certificates`);
  return all.map(certificateOf);
}

function signerOf({ children: signers }: Der): Signer {
  if (signers.length === 0) throw new InvalidTimestamp("unsigned", "the token has no signature");
  if (signers.length > 1) throw malformed("the token has more than one signature");
  const [version, id, digest, attributes, algorithm, signature, ...unsigned] = sequenceOf(
    signers[0],
    "the signer",
  );
  const known = { [TAG.sequence]: 1, [TAG.primitive0]: 3 } as Readonly<Record<number, number>>;
  if (id === undefined || smallOf(version, "the signer's version") !== known[id.tag])
    throw malformed("the signer's version does not fit its name");
  if (unsigned.length > 1 || (unsigned[0] && unsigned[0].tag !== TAG.context1))
    throw malformed("the signer has an unknown part");
  const hash = hashOf(digest, "the signer's hash");
  if (hash === undefined || hash === "SHA-1")
    throw new InvalidTimestamp("unsupported_algorithm", "the signer's hash is not SHA-2");
  const set = expectTag(attributes, TAG.context0, "the signed attributes");
  return {
    id,
    digest: hash,
    attributes: attributesIn(set),
    signed: Uint8Array.of(TAG.set, ...set.bytes.subarray(1)),
    algorithm: expectTag(algorithm, TAG.sequence, "the signature's algorithm"),
    signature: expectTag(signature, TAG.octetString, "the signature").content,
  };
}

function attributesIn(set: Der): ReadonlyMap<string, Der> {
  const found = new Map<string, Der>();
  for (const attribute of set.children) {
    const [id, values, ...more] = sequenceOf(attribute, "a signed attribute");
    const name = oidOf(id, "a signed attribute");
    if (found.has(name) || more.length > 0) throw malformed("a signed attribute stands there twice");
    found.set(name, expectTag(values, TAG.set, "the values of a signed attribute"));
  }
  return found;
}

function infoOf(der: Der): TimestampInfo {
  const [version, policy, imprint, serial, time, ...optional] = sequenceOf(der, "the TSTInfo");
  if (smallOf(version, "the TSTInfo's version") !== 1) throw malformed("the TSTInfo is not of version 1");
  const [algorithm, hashed, ...more] = sequenceOf(imprint, "the imprint");
  if (more.length > 0) throw malformed("the imprint has an unknown part");
  if (time?.tag !== TAG.generalizedTime) throw malformed("the TSTInfo has no GeneralizedTime");
  const nonce = optional.find(({ tag }) => tag === TAG.integer);
  return {
    policy: oidOf(policy, "the policy"),
    hash: hashOf(algorithm, "the imprint's hash"),
    imprint: expectTag(hashed, TAG.octetString, "the imprint").content,
    serial: integerOf(serial, "the serial number"),
    time: timeOf(time, "the stamped time"),
    nonce: nonce && integerOf(nonce, "the nonce"),
  };
}
