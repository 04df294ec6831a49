import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { hex } from "./bytes.ts";

/** SHA-256 (FIPS 180-4) of small inputs: headers, transactions, tree nodes. Synchronous, so rules stay pure. */
export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(nobleSha256(bytes));
}

export function sha256Hex(bytes: Uint8Array): string {
  return hex(nobleSha256(bytes));
}

/** Like `sha256OfFile`, as lower-case hex. */
export async function sha256HexOfFile(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(await sha256OfFile(bytes));
}

/** SHA-256 of whole blocks and files with WebCrypto, about ten times faster on a megabyte. */
export async function sha256OfFile(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
