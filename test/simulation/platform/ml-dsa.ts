import { createPublicKey, verify } from "node:crypto";
import { ml_dsa44 as noble } from "@noble/post-quantum/ml-dsa.js";

/** How many seeds the keys are kept of: a world has few users, and each Worker makes a key of its seed again and again. */
const KEPT = 100;
const keysOf = new Map<string, ReturnType<typeof noble.keygen>>();

function keygen(seed?: Uint8Array): ReturnType<typeof noble.keygen> {
  if (seed === undefined) return noble.keygen();
  const name = Buffer.from(seed).toString("hex");
  const { publicKey, secretKey } = keysOf.get(name) ?? noble.keygen(seed);
  if (keysOf.size >= KEPT) keysOf.clear();
  keysOf.set(name, { publicKey, secretKey });
  return { publicKey: publicKey.slice(), secretKey: secretKey.slice() };
}

/**
 * Stands in for noble's ML-DSA-44 and gives the same answers: OpenSSL verifies, which needs no randomness and is seven times
 * cheaper. Signing stays noble's, for it takes its randomness from the world.
 */
export const ml_dsa44: Pick<typeof noble, "keygen" | "sign" | "verify"> = {
  keygen,
  sign: (message, secretKey, options) => noble.sign(message, secretKey, options),
  verify: (signature, message, publicKey, { context = new Uint8Array() } = {}) => {
    const key = createPublicKey({
      key: { kty: "AKP", alg: "ML-DSA-44", pub: Buffer.from(publicKey).toString("base64url") },
      format: "jwk",
    });
    return verify(null, message, { key, context }, signature);
  },
};
