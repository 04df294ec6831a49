/**
 * The part of the draft "Modern Algorithms in the Web Cryptography API" (WICG) that VDC uses and that the platform's
 * types lack. Node 24 has it, and so does workerd behind `webcrypto_modern_algorithms`.
 */
interface ModernSubtle {
  importKey(
    format: "raw-seed" | "raw-public",
    keyData: Uint8Array,
    algorithm: string,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  exportKey(format: "raw-public", key: CryptoKey): Promise<ArrayBuffer>;
  getPublicKey(key: CryptoKey, usages: readonly string[]): Promise<CryptoKey>;
  sign(algorithm: MlDsaParameters, key: CryptoKey, message: Uint8Array): Promise<ArrayBuffer>;
  verify(
    algorithm: MlDsaParameters,
    key: CryptoKey,
    signature: Uint8Array,
    message: Uint8Array,
  ): Promise<boolean>;
}

interface MlDsaParameters {
  readonly name: "ML-DSA-44";
  readonly context: Uint8Array;
}

/** Use it only after `nativeMlKem()` or `nativeMlDsa()` returned true. */
export function modernSubtle(): ModernSubtle {
  return crypto.subtle as unknown as ModernSubtle;
}

/** Decides whether the runtime's WebCrypto has ML-KEM-768. */
export function nativeMlKem(): boolean {
  return supports("encapsulateBits", "ML-KEM-768");
}

/** Decides whether the runtime's WebCrypto has ML-DSA-44 and can derive the public key of a seed. */
export function nativeMlDsa(): boolean {
  return supports("sign", "ML-DSA-44") && typeof modernSubtle().getPublicKey === "function";
}

// The draft may still change: a missing or odd answer, or an exception, counts as "not available", and noble is used.
function supports(operation: string, algorithm: string): boolean {
  try {
    const constructor = (globalThis as { SubtleCrypto?: { supports?: unknown } }).SubtleCrypto;
    if (typeof constructor?.supports !== "function") return false;
    return constructor.supports(operation, algorithm) === true;
  } catch {
    return false;
  }
}
