import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";

const HEX = /^(?:[0-9a-f]{2})*$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const BASE64URL = /^[A-Za-z0-9_-]*$/;

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}

/** @throws TypeError when the bytes are not UTF-8: a decoder that replaces bad bytes would change the hashed text. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TypeError("these bytes are not UTF-8");
  }
}

/** Lower-case hex. */
export function hex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** @throws TypeError unless `text` is lower-case hex of whole bytes. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (!HEX.test(text)) throw new TypeError("expected lower-case hex of whole bytes");
  return Uint8Array.from(hexToBytes(text));
}

/** Base64url without padding (RFC 4648 §5). */
export function base64url(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws TypeError unless `text` is the one canonical base64url spelling of some bytes (no padding, no stray bits). */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  if (!BASE64URL.test(text) || text.length % 4 === 1)
    throw new TypeError("expected base64url without padding");
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  // A loop, and a second encoding of the last characters only: a document has 27 million characters.
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  const last = bytes.length - (bytes.length % 3);
  if (base64url(bytes.subarray(last)) !== text.slice((last / 3) * 4))
    throw new TypeError("base64url has stray bits at its end");
  return bytes;
}

/** Base64 with padding (RFC 4648 §4), as C2SP formats use it. */
export function base64(bytes: Uint8Array): string {
  const text = base64url(bytes).replaceAll("-", "+").replaceAll("_", "/");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** @throws TypeError unless `text` is the one canonical base64 spelling of some bytes (padding, no stray bits). */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (!BASE64.test(text) || text.length % 4 !== 0) throw new TypeError("expected base64 with padding");
  return fromBase64url(text.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_"));
}

export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Reads a whole stream, or returns `undefined` as soon as it is longer than `maxBytes`. */
export async function readAtMost(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return concat(...chunks);
}

/** Compares public values. Not constant-time: for secrets use `shared/http/secret.ts`. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
