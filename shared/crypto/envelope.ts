import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { KEM_ML_KEM_768 as NOBLE_ML_KEM_768 } from "@panva/hpke-noble";
import {
  AEAD_AES_256_GCM,
  CipherSuite,
  DecapError,
  KDF_HKDF_SHA256,
  KEM_ML_KEM_768,
  OpenError,
  type Key,
} from "hpke";
import * as v from "valibot";
import { Permanent } from "../runtime/errors.ts";
import { base64url, fromBase64url, utf8 } from "./bytes.ts";
import { canonicalBytes } from "./canonical.ts";
import { keyId } from "./key-id.ts";
import { nativeMlKem } from "./native.ts";

// ML-KEM-768: FIPS 203 Table 3 (sizes in bytes); the seed is d ‖ z of Algorithm 16.
const ENCRYPTION_SEED_BYTES = 64;
export const ENCRYPTION_PUBLIC_KEY_BYTES = 1184;

/**
 * A sealed payload: HPKE base mode (RFC 9180; ML-KEM-768 from draft-ietf-hpke-pq), one message per encapsulation. Base
 * mode does not authenticate the sender, so the reader verifies the contents after opening: docs/format.md#8-envelopes
 */
export const Envelope = v.strictObject({
  v: v.literal(1),
  suite: v.literal("HPKE-0041-0001-0002"),
  kid: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits")),
  txId: v.string(),
  /** base64url of 1088 bytes (FIPS 203 Table 3) */
  enc: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1451}$/, "expected base64url of 1088 bytes")),
  /** base64url of the ciphertext and its 16-byte tag */
  ct: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22,}$/, "expected base64url of 16 bytes or more")),
});
export type Envelope = v.InferOutput<typeof Envelope>;

export interface EncryptionPublicKey {
  /** `keyId("ML-KEM-768", publicKey)` */
  readonly kid: string;
  /** 1184 bytes */
  readonly publicKey: Uint8Array;
  /** The header (`v`, `suite`, `kid`, `txId`) is authenticated, so an envelope can't be moved to another id. */
  seal(txId: string, plaintext: Uint8Array): Promise<Envelope>;
}

/** A private key that can be used but not read: neither its fields nor its JSON hold the seed. */
export interface EncryptionSecret {
  /** `keyId("ML-KEM-768", publicKey)` */
  readonly kid: string;
  /** 1184 bytes */
  readonly publicKey: Uint8Array;
  /** @throws Permanent("undecryptable") when the envelope was sealed to another key, or any of its bytes changed */
  open(envelope: Envelope): Promise<Uint8Array>;
}

/** The HPKE suite with one ML-KEM implementation. Key derivation and AES-256-GCM come from WebCrypto in both. */
type EnvelopeBackend = () => CipherSuite;

// Deserialising a 64-byte seed imports it unchanged: SHAKE, which hpke needs for DeriveKeyPair, is never called.
export const nativeBackend: EnvelopeBackend = () =>
  new CipherSuite(KEM_ML_KEM_768, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
export const nobleBackend: EnvelopeBackend = () =>
  new CipherSuite(NOBLE_ML_KEM_768, KDF_HKDF_SHA256, AEAD_AES_256_GCM);

/**
 * @param publicKey 1184 bytes
 * @throws TypeError for a wrong length, or a key that fails the modulus check (FIPS 203 §7.2)
 */
export async function importEncryptionPublicKey(
  publicKey: Uint8Array,
  backend: EnvelopeBackend = fastestBackend(),
): Promise<EncryptionPublicKey> {
  if (publicKey.length !== ENCRYPTION_PUBLIC_KEY_BYTES)
    throw new TypeError(
      `an ML-KEM-768 public key has ${ENCRYPTION_PUBLIC_KEY_BYTES} bytes, not ${publicKey.length}`,
    );
  if (!isReduced(publicKey))
    throw new TypeError("not an ML-KEM-768 public key: a coefficient is not below q");
  const suite = backend();
  return new Sealer(suite, await suite.DeserializePublicKey(publicKey), publicKey);
}

/**
 * @param seed 64 bytes
 * @throws TypeError for a wrong length
 */
export async function importEncryptionSeed(
  seed: Uint8Array,
  backend: EnvelopeBackend = fastestBackend(),
): Promise<EncryptionSecret> {
  if (seed.length !== ENCRYPTION_SEED_BYTES)
    throw new TypeError(`an ML-KEM-768 seed has ${ENCRYPTION_SEED_BYTES} bytes, not ${seed.length}`);
  const suite = backend();
  // hpke cannot derive a public key from a private key, and WebCrypto's way is a draft. noble serves both backends and
  // takes half a millisecond, once per import.
  const { publicKey } = ml_kem768.keygen(seed);
  return new Opener(suite, await suite.DeserializePrivateKey(seed, false), publicKey);
}

/** 64 random bytes. */
export function generateEncryptionSeed(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(ENCRYPTION_SEED_BYTES));
}

function fastestBackend(): EnvelopeBackend {
  return nativeMlKem() ? nativeBackend : nobleBackend;
}

const INFO = utf8("vdc/envelope/v1");

type SealedHeader = Omit<Envelope, "enc" | "ct">;

class Sealer implements EncryptionPublicKey {
  readonly #suite: CipherSuite;
  readonly #key: Key;
  readonly publicKey: Uint8Array;
  readonly kid: string;

  constructor(suite: CipherSuite, key: Key, publicKey: Uint8Array) {
    this.#suite = suite;
    this.#key = key;
    this.publicKey = publicKey;
    this.kid = keyId("ML-KEM-768", publicKey);
  }

  async seal(txId: string, plaintext: Uint8Array): Promise<Envelope> {
    const header: SealedHeader = { v: 1, suite: "HPKE-0041-0001-0002", kid: this.kid, txId };
    const sealed = await this.#suite.Seal(this.#key, plaintext, { info: INFO, aad: canonicalBytes(header) });
    return { ...header, enc: base64url(sealed.encapsulatedSecret), ct: base64url(sealed.ciphertext) };
  }
}

class Opener implements EncryptionSecret {
  readonly #suite: CipherSuite;
  readonly #key: Key;
  readonly publicKey: Uint8Array;
  readonly kid: string;

  constructor(suite: CipherSuite, key: Key, publicKey: Uint8Array) {
    this.#suite = suite;
    this.#key = key;
    this.publicKey = publicKey;
    this.kid = keyId("ML-KEM-768", publicKey);
  }

  async open(envelope: Envelope): Promise<Uint8Array> {
    if (envelope.kid !== this.kid) throw new Permanent("undecryptable", "sealed to another key");
    const { enc, ct, aad } = partsOf(envelope);
    try {
      return await this.#suite.Open(this.#key, enc, ct, { info: INFO, aad });
    } catch (error) {
      // Any other error is the runtime's failure, not the envelope's, and is worth a retry.
      if (error instanceof OpenError || error instanceof DecapError)
        throw new Permanent("undecryptable", "the envelope does not open: it was changed or badly sealed");
      throw error;
    }
  }
}

function partsOf({ enc, ct, ...header }: Envelope): { enc: Uint8Array; ct: Uint8Array; aad: Uint8Array } {
  try {
    return { enc: fromBase64url(enc), ct: fromBase64url(ct), aad: canonicalBytes(header) };
  } catch {
    throw new Permanent("undecryptable", "the envelope is not spelled canonically");
  }
}

const Q = 3329; // FIPS 203 §2.4
const COEFFICIENT_BYTES = 1152; // 3 polynomials of 256 coefficients of 12 bits; the 32 bytes after them are ρ

/** FIPS 203 §7.2, modulus check: some implementations silently reduce coefficients that are not below q. */
function isReduced(publicKey: Uint8Array): boolean {
  const packed = publicKey.subarray(0, COEFFICIENT_BYTES);
  for (let i = 0; i < packed.length; i += 3) {
    const [a = 0, b = 0, c = 0] = packed.subarray(i, i + 3);
    if ((a | ((b & 0x0f) << 8)) >= Q || ((b >> 4) | (c << 4)) >= Q) return false;
  }
  return true;
}
