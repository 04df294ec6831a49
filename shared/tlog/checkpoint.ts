import { base64, equalBytes, fromBase64 } from "../crypto/bytes.ts";
import { sha256 } from "../crypto/hash.ts";
import { InvalidLog } from "./invalid-log.ts";
import { isKeyName } from "./vkey.ts";

/** The state of a log: C2SP tlog-checkpoint. VDC writes no extension lines, and refuses notes that have some. */
export interface Checkpoint {
  /** Name of the log: it has no scheme, and is fixed with the first checkpoint. */
  readonly origin: string;
  /** Number of entries. */
  readonly size: number;
  /** RFC 6962 §2.1 root over the entries, 32 bytes. */
  readonly root: Uint8Array<ArrayBuffer>;
}

const MAX_ORIGIN_BYTES = 255; // its length is one byte in the message that ML-DSA signs

/** The text of a note, with its last newline. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${base64(root)}\n`;
}

/** @throws InvalidLog("malformed_checkpoint") */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", root = "", end, ...extensions] = text.split("\n");
  if (!isOrigin(origin)) throw malformed("the first line is no origin of a log");
  if (!/^(?:0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)))
    throw malformed("the second line is no size in plain decimal digits");
  const bytes = decoded(root);
  if (bytes?.length !== 32) throw malformed("the third line is not base64 of 32 bytes");
  if (end !== "" || extensions.length > 0)
    throw malformed("it has lines after the root, which no signature of ML-DSA covers");
  if (size === "0" && !equalBytes(bytes, sha256(new Uint8Array())))
    throw malformed("an empty log's root is SHA-256 of nothing");
  return { origin, size: Number(size), root: bytes };
}

/** Decides whether a log can have this origin. */
export function isOrigin(origin: string): boolean {
  return isKeyName(origin) && new TextEncoder().encode(origin).length <= MAX_ORIGIN_BYTES;
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return fromBase64(text);
  } catch {
    return undefined;
  }
}

function malformed(detail: string): InvalidLog {
  return new InvalidLog("malformed_checkpoint", `the checkpoint: ${detail}`);
}
