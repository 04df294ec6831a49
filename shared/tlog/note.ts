import { base64, concat, fromBase64, fromHex, hex } from "../crypto/bytes.ts";
import { hasControls, isKeyName } from "./vkey.ts";
import { InvalidLog } from "./invalid-log.ts";

/** A signature line of a note. */
export interface NoteSignature {
  /** Name of the key. */
  readonly name: string;
  /** The key's id, 8 hex digits. */
  readonly keyId: string;
  /** The bytes after the key's id. */
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** C2SP signed-note: a text and signatures over it. */
export interface SignedNote {
  /** It ends with a newline, which is signed too. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A checkpoint with two ML-DSA signatures and a dozen cosignatures has about 50 kB. */
export const MAX_NOTE_BYTES = 1_000_000;
/** C2SP demands that a reader accepts 16. */
const MAX_SIGNATURES = 100;

const DASH = "\u2014";

/** The bytes of a note, as a log serves them: text, empty line, signature lines. */
export function noteText({ text, signatures }: SignedNote): string {
  return `${text}\n${signatures.map(signatureLine).join("")}`;
}

/** `— name base64(id ‖ signature)` and a newline. */
export function signatureLine({ name, keyId, signature }: NoteSignature): string {
  return `${DASH} ${name} ${base64(concat(fromHex(keyId), signature))}\n`;
}

/**
 * Reads a note without verifying it. The last empty line separates the text from the signatures.
 * @throws InvalidLog("malformed_note")
 */
export function parseNote(note: string): SignedNote {
  if (note.length > MAX_NOTE_BYTES) throw malformed(`it is longer than ${MAX_NOTE_BYTES} bytes`);
  if (!note.isWellFormed()) throw malformed("it is not Unicode");
  const split = note.lastIndexOf("\n\n");
  if (split < 0) throw malformed("an empty line must separate the text from the signatures");
  const text = note.slice(0, split + 1);
  if (hasControls(text.replaceAll("\n", ""))) throw malformed("its text has a control character");
  const lines = note.slice(split + 2);
  if (lines === "") throw malformed("it has no signature");
  return { text, signatures: parseSignatures(lines) };
}

/**
 * Reads signature lines, each with its newline.
 * @throws InvalidLog("malformed_note")
 */
export function parseSignatures(lines: string): NoteSignature[] {
  if (!lines.endsWith("\n")) throw malformed("its last line must end with a newline");
  const texts = lines.slice(0, -1).split("\n");
  if (texts.length > MAX_SIGNATURES) throw malformed(`it has more than ${MAX_SIGNATURES} signatures`);
  return texts.map(parseSignature);
}

function parseSignature(line: string): NoteSignature {
  const [dash, name = "", encoded = "", ...rest] = line.split(" ");
  if (dash !== DASH || !isKeyName(name) || rest.length > 0)
    throw malformed("a signature line is a dash, a name and base64, with a space between");
  const bytes = decoded(encoded);
  if (bytes === undefined || bytes.length < 5)
    throw malformed("a signature is base64 of a key's id and at least one byte");
  return { name, keyId: hex(bytes.subarray(0, 4)), signature: bytes.slice(4) };
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return fromBase64(text);
  } catch {
    return undefined;
  }
}

function malformed(detail: string): InvalidLog {
  return new InvalidLog("malformed_note", `the note: ${detail}`);
}
