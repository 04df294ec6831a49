import { sha256 } from "../crypto/hash.ts";
import { equalBytes, fromBase64 } from "../crypto/bytes.ts";
import { InvalidLog } from "../tlog/invalid-log.ts";
import { noteText, parseNote, signatureLine, type NoteSignature } from "../tlog/note.ts";
import { openCheckpoint, type OpenedCheckpoint } from "../tlog/open-checkpoint.ts";
import {
  MalformedRequest,
  parseAddCheckpoint,
  SIZE_TYPE,
  sizeText,
  type AddCheckpoint,
} from "./add-checkpoint.ts";
import type { Decision, SignedTree } from "./decide.ts";
import type { FollowedLogs } from "./followed-logs.ts";
import type { Cosigners } from "./keyring.ts";

/** The memory of a witness. */
export interface WitnessState {
  /** Decides and, where the witness may cosign, stores the tree, in one transaction. The tree is durable when it resolves. */
  advance(origin: string, signed: SignedTree): Promise<Decision>;
  /** Keeps a cosigned note, unless the witness has cosigned a larger tree meanwhile. */
  keepNote(origin: string, size: number, note: string): Promise<void>;
  lastNote(origin: string): Promise<string | undefined>;
}

/** A witness, wherever it runs. */
export interface Witness {
  readonly logs: FollowedLogs;
  readonly cosigners: Cosigners;
  readonly state: WitnessState;
  /** Seconds since the epoch. */
  readonly now: () => number;
}

/** An answer of tlog-witness. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly type: string;
  readonly body: string;
}

/**
 * Answers `POST /add-checkpoint`: C2SP tlog-witness. The tree is stored before it is signed, so the witness never signs anything
 * that it could forget.
 */
export async function addCheckpoint(witness: Witness, body: string): Promise<WitnessAnswer> {
  const opened = await open(body, witness.logs);
  if ("status" in opened) return opened;
  const { request, checkpoint, note, signatures } = opened;
  const { origin, size, root } = checkpoint;
  const decision = await witness.state.advance(origin, {
    oldSize: request.oldSize,
    size,
    root,
    proof: request.proof,
  });
  if (decision.kind !== "advanced") return refusalOf(decision);
  const cosignatures: NoteSignature[] = [];
  for (const cosigner of witness.cosigners) cosignatures.push(await cosigner.sign(checkpoint, witness.now()));
  const logSignatures = note.signatures.filter(({ name, keyId }) =>
    signatures.some(({ key }) => key.name === name && key.id === keyId),
  );
  await witness.state.keepNote(
    origin,
    size,
    noteText({ text: note.text, signatures: [...logSignatures, ...cosignatures] }),
  );
  return { status: 200, type: TEXT, body: cosignatures.map(signatureLine).join("") };
}

const TEXT = "text/plain; charset=utf-8";

interface Opened extends OpenedCheckpoint {
  readonly request: AddCheckpoint;
}

/** Verifies everything about a request that does not depend on the witness's state. */
async function open(body: string, logs: FollowedLogs): Promise<Opened | WitnessAnswer> {
  try {
    const request = parseAddCheckpoint(body);
    const [origin = "", ...rest] = parseNote(request.note).text.split("\n");
    const keys = logs.get(origin);
    if (keys === undefined) return refuse(404, "this witness does not follow a log of this origin");
    if (isWrongEmptyTree(rest)) return refuse(422, "the root of an empty log is SHA-256 of nothing");
    return { request, ...(await openCheckpoint(request.note, keys)) };
  } catch (error) {
    if (error instanceof MalformedRequest) return refuse(400, error.message);
    if (!(error instanceof InvalidLog)) throw error;
    const isUntrusted = error.fault === "wrong_signature" || error.fault === "no_known_signature";
    return refuse(isUntrusted ? 403 : 400, error.message);
  }
}

function refusalOf(decision: Exclude<Decision, { kind: "advanced" }>): WitnessAnswer {
  switch (decision.kind) {
    case "old_size_too_large":
      return refuse(400, "the old size is above the checkpoint's size");
    case "other_old_size":
      return { status: 409, type: SIZE_TYPE, body: sizeText(decision.size) };
    case "other_root":
      return refuse(422, "this witness has cosigned another root for this size: the log has forked");
    default:
      return refuse(422, "the proof does not show that the checkpoint continues the last one cosigned");
  }
}

function refuse(status: WitnessAnswer["status"], why: string): WitnessAnswer {
  return { status, type: TEXT, body: `${why}\n` };
}

/** C2SP has a status of its own for an empty log with another root, which `parseCheckpoint` takes for malformed. */
function isWrongEmptyTree([size, root = ""]: readonly string[]): boolean {
  if (size !== "0") return false;
  try {
    const bytes = fromBase64(root);
    return bytes.length === 32 && !equalBytes(bytes, sha256(new Uint8Array()));
  } catch {
    return false;
  }
}
