import { concat, fromBase64url, fromHex } from "./bytes.ts";

// Ed25519: RFC 8032 §5.1.5 to §5.1.7 (sizes in bytes).
const SEED_BYTES = 32;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** PKCS #8 in front of a seed: RFC 8410 §7. WebCrypto imports no raw private key. */
const PKCS8 = fromHex("302e020100300506032b657004220420");

/** A private key that can be used but not read. */
export interface Ed25519Secret {
  /** 32 bytes */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** The same message gives the same 64 bytes (RFC 8032 §5.1.6). */
  sign(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

/** @throws TypeError unless the seed has 32 bytes */
export async function importEd25519Seed(seed: Uint8Array): Promise<Ed25519Secret> {
  if (seed.length !== SEED_BYTES)
    throw new TypeError(`an Ed25519 seed has ${SEED_BYTES} bytes, not ${seed.length}`);
  const pkcs8 = concat(PKCS8, seed);
  const readable = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x = "" } = (await crypto.subtle.exportKey("jwk", readable)) as { x?: string };
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  return {
    publicKey: fromBase64url(x),
    sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, message)),
  };
}

/** Answers false for an invalid signature or key, wrong lengths included; never throws for bad bytes. */
export async function verifyEd25519(
  signature: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
  publicKey: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== PUBLIC_KEY_BYTES) return false;
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", true, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, message);
  } catch {
    return false; // some runtimes refuse bytes that are no point of the curve when they import the key
  }
}
