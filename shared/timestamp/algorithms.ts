import { concat } from "../crypto/bytes.ts";
import { type Der, integerOf, malformed, oidOf, onlyIn, readDer, sequenceOf, smallOf, TAG } from "./der.ts";
import { InvalidTimestamp } from "./invalid-timestamp.ts";
import { OID } from "./oids.ts";

export type Hash = "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512";

const HASHES: Readonly<Record<string, Hash>> = {
  [OID.sha1]: "SHA-1",
  [OID.sha256]: "SHA-256",
  [OID.sha384]: "SHA-384",
  [OID.sha512]: "SHA-512",
};

interface Scheme {
  readonly kind: "rsa" | "pss" | "ecdsa";
  /** undefined: the hash of the signer's digest algorithm. */
  readonly hash: Hash | undefined;
  readonly saltLength?: number;
}

const SCHEMES: Readonly<Record<string, Scheme>> = {
  [OID.rsa]: { kind: "rsa", hash: undefined },
  [OID.rsaSha256]: { kind: "rsa", hash: "SHA-256" },
  [OID.rsaSha384]: { kind: "rsa", hash: "SHA-384" },
  [OID.rsaSha512]: { kind: "rsa", hash: "SHA-512" },
  [OID.ecdsaSha256]: { kind: "ecdsa", hash: "SHA-256" },
  [OID.ecdsaSha384]: { kind: "ecdsa", hash: "SHA-384" },
  [OID.ecdsaSha512]: { kind: "ecdsa", hash: "SHA-512" },
};

/** The curve of a key, with the bytes of each half of its signatures. */
const CURVES: Readonly<Record<string, readonly [name: string, bytes: number]>> = {
  [OID.p256]: ["P-256", 32],
  [OID.p384]: ["P-384", 48],
  [OID.p521]: ["P-521", 66],
};

/** Reads an AlgorithmIdentifier of a hash, whose parameters are absent or NULL. undefined: a hash unknown here. */
export function hashOf(der: Der | undefined, what: string): Hash | undefined {
  const [id, parameters, ...more] = sequenceOf(der, what);
  if (more.length > 0 || !isNothing(parameters)) throw malformed(`${what} has parameters`);
  return HASHES[oidOf(id, what)];
}

function isNothing(parameters: Der | undefined): boolean {
  return parameters === undefined || (parameters.tag === TAG.null && parameters.content.length === 0);
}

/**
 * Verifies a signature with WebCrypto.
 * @param algorithm AlgorithmIdentifier of the signature
 * @param digest the hash that the signer names beside; for a certificate undefined
 * @param publicKey SubjectPublicKeyInfo
 * @throws InvalidTimestamp "unsupported_algorithm", "malformed"
 */
export async function verifySignature(
  algorithm: Der | undefined,
  digest: Hash | undefined,
  publicKey: Der,
  signature: Uint8Array<ArrayBuffer>,
  signed: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const { kind, hash = digest, saltLength } = schemeOf(algorithm);
  if (hash === undefined || hash === "SHA-1" || (digest !== undefined && digest !== hash))
    throw unsupported("the hash of the signature is not SHA-2, or not the signer's");
  const curve = kind === "ecdsa" ? curveOf(publicKey) : undefined;
  const parameters = {
    rsa: { name: "RSASSA-PKCS1-v1_5", hash },
    pss: { name: "RSA-PSS", hash, saltLength: saltLength ?? 0 },
    ecdsa: { name: "ECDSA", hash, namedCurve: curve?.[0] ?? "" },
  }[kind];
  const bytes = curve === undefined ? signature : joinedHalves(signature, curve[1]);
  if (bytes === undefined) return false;
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("spki", publicKey.bytes, parameters, false, ["verify"]);
  } catch {
    throw unsupported("the public key does not fit the signature's algorithm");
  }
  try {
    return await crypto.subtle.verify(parameters, key, bytes, signed);
  } catch {
    return false; // a key or signature of a size that WebCrypto refuses
  }
}

function schemeOf(algorithm: Der | undefined): Scheme {
  const [id, parameters, ...more] = sequenceOf(algorithm, "the signature's algorithm");
  if (more.length > 0) throw malformed("the signature's algorithm has more than one parameter");
  const name = oidOf(id, "the signature's algorithm");
  if (name === OID.rsaPss) return pssOf(parameters);
  const scheme = SCHEMES[name];
  if (scheme === undefined)
    throw unsupported("the signature's algorithm is neither RSA nor ECDSA with SHA-2");
  if (!isNothing(parameters)) throw malformed("the signature's algorithm has parameters");
  return scheme;
}

/** RFC 8017 A.2.3. The mask must use the same hash, because WebCrypto knows no other. */
function pssOf(parameters: Der | undefined): Scheme {
  const members = new Map(sequenceOf(parameters, "the PSS parameters").map((der) => [der.tag, der]));
  const [hash, mask, salt] = [
    members.get(TAG.context0),
    members.get(TAG.context1),
    members.get(TAG.context2),
  ];
  if (hash === undefined || mask === undefined || members.size > 3 + Number(members.has(TAG.context3)))
    throw unsupported("a PSS signature must name its hash and its mask");
  const [maskId, maskHash] = sequenceOf(onlyIn(mask, "the PSS mask"), "the PSS mask");
  const name = hashOf(onlyIn(hash, "the PSS hash"), "the PSS hash");
  if (oidOf(maskId, "the PSS mask") !== OID.maskMgf1 || hashOf(maskHash, "the hash of the PSS mask") !== name)
    throw unsupported("the PSS mask uses another hash than the signature");
  if (name === undefined) throw unsupported("the hash of the PSS signature is unknown");
  return {
    kind: "pss",
    hash: name,
    saltLength: salt === undefined ? 20 : smallOf(onlyIn(salt, "the salt"), "the salt"),
  };
}

function curveOf(publicKey: Der): readonly [string, number] {
  const [algorithm] = sequenceOf(publicKey, "the public key");
  const [kind, curve] = sequenceOf(algorithm, "the public key's algorithm");
  const isCurve = oidOf(kind, "the public key's algorithm") === OID.ecKey && curve?.tag === TAG.oid;
  const known = isCurve ? CURVES[oidOf(curve, "the curve")] : undefined;
  if (known === undefined)
    throw unsupported("the public key is on none of the curves P-256, P-384 and P-521");
  return known;
}

/** WebCrypto takes `r` and `s` joined (IEEE P1363), certificates have them as a sequence (RFC 3279 §2.2.3). */
function joinedHalves(signature: Uint8Array, length: number): Uint8Array<ArrayBuffer> | undefined {
  let halves: readonly Uint8Array[];
  try {
    halves = sequenceOf(readDer(signature), "the signature").map((half) =>
      integerOf(half, "half a signature"),
    );
  } catch (error) {
    if (error instanceof InvalidTimestamp) return undefined;
    throw error;
  }
  const padded = halves.map((half) => {
    const digits = half[0] === 0 ? half.slice(1) : half;
    return digits.length > length ? undefined : concat(new Uint8Array(length - digits.length), digits);
  });
  const [r, s, ...more] = padded;
  const isPositive = halves.every((half) => (half[0] as number) < 0x80);
  return r === undefined || s === undefined || more.length > 0 || !isPositive ? undefined : concat(r, s);
}

function unsupported(detail: string): InvalidTimestamp {
  return new InvalidTimestamp("unsupported_algorithm", detail);
}
