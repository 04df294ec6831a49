import { base64, fromBase64 } from "../crypto/bytes.ts";
import { InvalidLog } from "./invalid-log.ts";
import { HASH_BYTES } from "./tiles.ts";

/** C2SP tlog-proof: an entry's place in a log, offline. */
export interface TlogProof {
  readonly index: number;
  /** The leaf's sibling first. */
  readonly path: readonly Uint8Array[];
  /** The signed note, as the log serves it. */
  readonly checkpoint: string;
  /** Bytes that the proof does not authenticate. */
  readonly extra?: Uint8Array<ArrayBuffer>;
}

const HEADER = "c2sp.org/tlog-proof@v1";
const MAX_PATH = 63;

/** The text of a `.tlog-proof` file. */
export function tlogProofText({ index, path, checkpoint, extra }: TlogProof): string {
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${base64(extra)}`]),
    `index ${index}`,
    ...path.map((hash) => base64(hash)),
    "",
  ];
  return `${lines.join("\n")}\n${checkpoint}`;
}

/** @throws InvalidLog("malformed_proof") */
export function parseTlogProof(text: string): TlogProof {
  const split = text.indexOf("\n\n");
  if (split < 0) throw malformed("an empty line must separate the path from the checkpoint");
  const [header, ...lines] = text.slice(0, split).split("\n");
  if (header !== HEADER) throw malformed(`its first line must be ${HEADER}`);
  const extra = lines[0]?.startsWith("extra ") ? decoded(lines.shift()?.slice(6) ?? "") : undefined;
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? "")?.[1];
  if (index === undefined || !Number.isSafeInteger(Number(index)))
    throw malformed("a line must give the index in plain decimal digits");
  if (lines.length > MAX_PATH) throw malformed(`its path has more than ${MAX_PATH} hashes`);
  const path = lines.map(decoded);
  if (path.some((hash) => hash.length !== HASH_BYTES)) throw malformed("a hash of the path has not 32 bytes");
  return {
    index: Number(index),
    path,
    checkpoint: text.slice(split + 2),
    ...(extra !== undefined && { extra }),
  };
}

function decoded(text: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64(text);
  } catch {
    throw malformed("a line is not base64");
  }
}

function malformed(detail: string): InvalidLog {
  return new InvalidLog("malformed_proof", `the proof: ${detail}`);
}
