import { base64, concat, fromBase64, hex, utf8 } from "../crypto/bytes.ts";
import { sha256 } from "../crypto/hash.ts";
import { InvalidLog } from "./invalid-log.ts";

/** Signature types of C2SP signed-note that VDC signs or verifies. */
export const ED25519 = 0x01;
export const ED25519_COSIGNATURE = 0x04;
export const ML_DSA_44_COSIGNATURE = 0x06;

/** Bytes of a public key, by signature type. FIPS 204 Table 2, RFC 8032 §5.1.5. */
const PUBLIC_KEY_BYTES = {
  [ED25519]: 32,
  [ED25519_COSIGNATURE]: 32,
  [ML_DSA_44_COSIGNATURE]: 1312,
} as const;

export type SignatureType = keyof typeof PUBLIC_KEY_BYTES;

/** A key that verifies signature lines of notes. C2SP signed-note, "Verifier keys". */
export interface VerifierKey {
  /** Not empty, no space, no plus. The name of a log's own key is the log's origin. */
  readonly name: string;
  readonly type: SignatureType;
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** The first 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key), as 8 hex digits. */
  readonly id: string;
}

/** @throws InvalidLog("malformed_key") for a name that no note can carry, or a key of another length */
export function verifierKey(
  name: string,
  type: SignatureType,
  publicKey: Uint8Array<ArrayBuffer>,
): VerifierKey {
  if (!isKeyName(name))
    throw new InvalidLog("malformed_key", "a key's name is not empty and has no space and no +");
  if (publicKey.length !== PUBLIC_KEY_BYTES[type])
    throw new InvalidLog(
      "malformed_key",
      `a key of type ${type} has ${PUBLIC_KEY_BYTES[type]} bytes, not ${publicKey.length}`,
    );
  const id = sha256(concat(utf8(`${name}\n`), Uint8Array.of(type), publicKey)).subarray(0, 4);
  return { name, type, publicKey, id: hex(id) };
}

/** `name+hex(id)+base64(type ‖ public key)`: the line that a stranger pins. */
export function vkeyText({ name, type, publicKey, id }: VerifierKey): string {
  return `${name}+${id}+${base64(concat(Uint8Array.of(type), publicKey))}`;
}

/**
 * Reads a verifier key.
 * @throws InvalidLog("malformed_key"), also when the id is not that of name, type and key
 */
export function parseVkey(text: string): VerifierKey {
  const parts = text.split("+");
  const [name = "", id = ""] = parts;
  const bytes = decoded(parts.slice(2).join("+")); // base64 may hold a plus
  if (bytes === undefined || bytes.length < 2)
    throw new InvalidLog("malformed_key", "expected name+id+key, with the key in base64");
  const [type = 0] = bytes;
  if (!isKnownType(type))
    throw new InvalidLog("malformed_key", `signature type ${type} is none that this verifier knows`);
  const key = verifierKey(name, type, bytes.slice(1));
  if (key.id !== id)
    throw new InvalidLog("malformed_key", `the key's id is ${key.id}, not ${id.slice(0, 20)}`);
  return key;
}

/** Decides whether a note can carry a key of this name. */
export function isKeyName(name: string): boolean {
  return name !== "" && name.isWellFormed() && !/[\s+\p{White_Space}]/u.test(name) && !hasControls(name);
}

/** Decides whether the text has a control character of ASCII. */
export function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return true;
  return false;
}

function isKnownType(type: number): type is SignatureType {
  return Object.hasOwn(PUBLIC_KEY_BYTES, type);
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return fromBase64(text);
  } catch {
    return undefined;
  }
}
