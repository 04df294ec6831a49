import { base64, fromBase64 } from "../crypto/bytes.ts";

/** Largest body of a request: a checkpoint with two dozen signatures of ML-DSA-44 and a proof of 63 hashes has about 85 kB. */
export const MAX_REQUEST_BYTES = 128_000;
/** Largest body of an answer: 16 signature lines of ML-DSA-44 have about 55 kB. */
export const MAX_ANSWER_BYTES = 64_000;
/** Media type of the answer 409, which gives the witness's size: C2SP tlog-witness. */
export const SIZE_TYPE = "text/x.tlog.size";

const MAX_PROOF = 63;
const HASH_BYTES = 32;

/** The body of `POST {prefix}/add-checkpoint`: C2SP tlog-witness. */
export interface AddCheckpoint {
  /** Size of the checkpoint that the witness cosigned last, by the client's knowledge; 0 before the first. */
  readonly oldSize: number;
  /** RFC 6962 §2.1.2 proof from the old size to the checkpoint's; empty when the old size is 0 or the checkpoint's. */
  readonly proof: readonly Uint8Array[];
  /** The log's signed note, as the log serves it. */
  readonly note: string;
}

/** Bytes that are no request of tlog-witness. */
export class MalformedRequest extends Error {
  override readonly name = "MalformedRequest";
}

/** The body: `old {size}`, a line for each hash, an empty line, the note. */
export function addCheckpointText({ oldSize, proof, note }: AddCheckpoint): string {
  return `old ${oldSize}\n${proof.map((hash) => `${base64(hash)}\n`).join("")}\n${note}`;
}

/** @throws MalformedRequest */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  // A note has an empty line of its own, so the first one ends the proof.
  const split = body.indexOf("\n\n");
  if (split < 0) throw new MalformedRequest("an empty line must separate the proof from the checkpoint");
  const [first = "", ...lines] = body.slice(0, split).split("\n");
  const oldSize = first.startsWith("old ") ? parseSize(first.slice(4)) : undefined;
  if (oldSize === undefined)
    throw new MalformedRequest("the first line must be `old` and a size in plain decimal digits");
  if (lines.length > MAX_PROOF) throw new MalformedRequest(`the proof has more than ${MAX_PROOF} hashes`);
  return { oldSize, proof: lines.map(hashOf), note: body.slice(split + 2) };
}

/** The body of the answer 409. */
export function sizeText(size: number): string {
  return `${size}\n`;
}

/** Reads the body of the answer 409. `undefined`: it is no size and a newline. */
export function parseSizeText(body: string): number | undefined {
  return body.endsWith("\n") ? parseSize(body.slice(0, -1)) : undefined;
}

function parseSize(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const size = Number(text);
  return Number.isSafeInteger(size) ? size : undefined;
}

function hashOf(line: string): Uint8Array {
  const hash = decoded(line);
  if (hash?.length !== HASH_BYTES)
    throw new MalformedRequest("a line of the proof is not base64 of 32 bytes");
  return hash;
}

function decoded(line: string): Uint8Array | undefined {
  try {
    return fromBase64(line);
  } catch {
    return undefined;
  }
}
