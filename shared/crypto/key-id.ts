import { concat, utf8 } from "./bytes.ts";
import { sha256Hex } from "./hash.ts";

export type KeyAlgorithm = "ML-DSA-44" | "ML-KEM-768";

/**
 * Derives the id of a public key: SHA-256 over `vdc/key/v1` ‖ 0x00 ‖ algorithm ‖ 0x00 ‖ public key, lower-case hex. The
 * algorithm is part of the input, so the same bytes under two algorithms are two keys.
 */
export function keyId(algorithm: KeyAlgorithm, publicKey: Uint8Array): string {
  return sha256Hex(concat(utf8(`vdc/key/v1\0${algorithm}\0`), publicKey));
}
