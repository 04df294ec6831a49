import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { ml_dsa44 as noble } from "@noble/post-quantum/ml-dsa.js";

/** The number of cached keys. A world has few users, and each Worker makes and reads the same keys again and again. */
const KEPT = 100;
const keysOf = new Map<string, ReturnType<typeof noble.keygen>>();
const publicKeys = new Map<string, KeyObject>();

function keygen(seed?: Uint8Array): ReturnType<typeof noble.keygen> {
  if (seed === undefined) return noble.keygen();
  const make = () => noble.keygen(seed);
  const { publicKey, secretKey } = kept(keysOf, Buffer.from(seed).toString("base64url"), make);
  return { publicKey: publicKey.slice(), secretKey: secretKey.slice() };
}

function imported(publicKey: Uint8Array): KeyObject {
  const pub = Buffer.from(publicKey).toString("base64url");
  const make = () => createPublicKey({ key: { kty: "AKP", alg: "ML-DSA-44", pub }, format: "jwk" });
  return kept(publicKeys, pub, make);
}

function kept<T>(all: Map<string, T>, name: string, make: () => T): T {
  const known = all.get(name);
  if (known !== undefined) return known;
  if (all.size >= KEPT) all.clear();
  const made = make();
  all.set(name, made);
  return made;
}

/**
 * Replaces noble's ML-DSA-44 with the same results. OpenSSL verifies, which needs no randomness and is seven times
 * cheaper. Noble still signs, because it takes its randomness from the world.
 */
export const ml_dsa44: Pick<typeof noble, "keygen" | "sign" | "verify"> = {
  keygen,
  sign: (message, secretKey, options) => noble.sign(message, secretKey, options),
  verify: (signature, message, publicKey, { context = new Uint8Array() } = {}) =>
    verify(null, message, { key: imported(publicKey), context }, signature),
};
