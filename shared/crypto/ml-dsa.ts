import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { utf8 } from "./bytes.ts";
import { modernSubtle, nativeMlDsa } from "./native.ts";

// ML-DSA-44: FIPS 204 Table 2 (sizes in bytes); the seed is ξ of Algorithm 1.
const SIGNING_SEED_BYTES = 32;
const SIGNING_PUBLIC_KEY_BYTES = 1312;
const SIGNATURE_BYTES = 2420;
const MAX_CONTEXT_BYTES = 255; // FIPS 204 Algorithm 2, line 1

/** A private key that can be used but not read: neither its fields nor its JSON hold the seed. */
export interface SigningSecret {
  /** 1312 bytes */
  readonly publicKey: Uint8Array;
  /**
   * Hedged (FIPS 204 §3.4): signing twice gives different bytes, so a signature is made once and stored.
   * @param context at most 255 bytes of UTF-8: see `contexts.ts`
   * @returns 2420 bytes
   * @throws TypeError when the context is too long
   */
  sign(message: Uint8Array, context: string): Promise<Uint8Array>;
}

interface MlDsaBackend {
  /** @throws TypeError unless the seed is 32 bytes */
  importSigningSeed(seed: Uint8Array): Promise<SigningSecret>;
  /** Answers false for an invalid signature, wrong lengths included; never throws for bad bytes. */
  verify(
    signature: Uint8Array,
    message: Uint8Array,
    publicKey: Uint8Array,
    context: string,
  ): Promise<boolean>;
}

/** The runtime's own WebCrypto: about 30 times faster than noble. The key is not extractable. */
export const nativeBackend: MlDsaBackend = {
  async importSigningSeed(seed) {
    checkSeed(seed);
    const subtle = modernSubtle();
    const key = await subtle.importKey("raw-seed", seed, "ML-DSA-44", false, ["sign"]);
    const publicKey = await subtle.getPublicKey(key, ["verify"]);
    return new NativeSecret(key, new Uint8Array(await subtle.exportKey("raw-public", publicKey)));
  },
  async verify(signature, message, publicKey, context) {
    const contextBytes = utf8(context);
    if (!fits(signature, publicKey, contextBytes)) return false;
    const subtle = modernSubtle();
    const key = await subtle.importKey("raw-public", publicKey, "ML-DSA-44", true, ["verify"]);
    return subtle.verify({ name: "ML-DSA-44", context: contextBytes }, key, signature, message);
  },
};

/** For runtimes without native ML-DSA: browsers and older runtimes. */
export const nobleBackend: MlDsaBackend = {
  async importSigningSeed(seed) {
    checkSeed(seed);
    return new NobleSecret(ml_dsa44.keygen(seed));
  },
  async verify(signature, message, publicKey, context) {
    const contextBytes = utf8(context);
    if (!fits(signature, publicKey, contextBytes)) return false;
    return ml_dsa44.verify(signature, message, publicKey, { context: contextBytes });
  },
};

/** Like `MlDsaBackend.importSigningSeed`, with the fastest backend of this runtime. */
export function importSigningSeed(seed: Uint8Array): Promise<SigningSecret> {
  return fastestBackend().importSigningSeed(seed);
}

/** Like `MlDsaBackend.verify`, with the fastest backend of this runtime. */
export function verify(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
  context: string,
): Promise<boolean> {
  return fastestBackend().verify(signature, message, publicKey, context);
}

/** 32 random bytes. */
export function generateSigningSeed(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(SIGNING_SEED_BYTES));
}

function fastestBackend(): MlDsaBackend {
  return nativeMlDsa() ? nativeBackend : nobleBackend;
}

class NativeSecret implements SigningSecret {
  readonly #key: CryptoKey;
  readonly publicKey: Uint8Array;

  constructor(key: CryptoKey, publicKey: Uint8Array) {
    this.#key = key;
    this.publicKey = publicKey;
  }

  async sign(message: Uint8Array, context: string): Promise<Uint8Array> {
    const algorithm = { name: "ML-DSA-44", context: contextToSign(context) } as const;
    return new Uint8Array(await modernSubtle().sign(algorithm, this.#key, message));
  }
}

class NobleSecret implements SigningSecret {
  readonly #secretKey: Uint8Array;
  readonly publicKey: Uint8Array;

  constructor(keys: { secretKey: Uint8Array; publicKey: Uint8Array }) {
    this.#secretKey = keys.secretKey;
    this.publicKey = keys.publicKey;
  }

  async sign(message: Uint8Array, context: string): Promise<Uint8Array> {
    return ml_dsa44.sign(message, this.#secretKey, { context: contextToSign(context) });
  }
}

function checkSeed(seed: Uint8Array): void {
  if (seed.length !== SIGNING_SEED_BYTES)
    throw new TypeError(`an ML-DSA-44 seed has ${SIGNING_SEED_BYTES} bytes, not ${seed.length}`);
}

function contextToSign(context: string): Uint8Array {
  const bytes = utf8(context);
  if (bytes.length > MAX_CONTEXT_BYTES)
    throw new TypeError(`an ML-DSA context has at most ${MAX_CONTEXT_BYTES} bytes, not ${bytes.length}`);
  return bytes;
}

// Every byte string of the right length is a public key (FIPS 204 Algorithm 23 cannot fail), so only lengths are checked.
// They are checked here, because the backends differ on wrong ones: one answers false, the other throws.
function fits(signature: Uint8Array, publicKey: Uint8Array, context: Uint8Array): boolean {
  return (
    signature.length === SIGNATURE_BYTES &&
    publicKey.length === SIGNING_PUBLIC_KEY_BYTES &&
    context.length <= MAX_CONTEXT_BYTES
  );
}
