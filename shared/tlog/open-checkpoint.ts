import { parseCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { verifySignature, type CheckpointSignature } from "./cosignature.ts";
import { InvalidLog } from "./invalid-log.ts";
import { parseNote, type SignedNote } from "./note.ts";
import type { VerifierKey } from "./vkey.ts";

/** A checkpoint, with every signature of a known key verified. */
export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly note: SignedNote;
  /** The signatures of known keys, one for each key. */
  readonly signatures: readonly CheckpointSignature[];
}

/**
 * Verifies a log's note: every signature of a known key must be valid, and one of the log's own keys must have signed.
 * Signatures of unknown keys are ignored.
 * @param logKeys the log's own keys; their name is the log's origin
 * @param witnessKeys keys whose cosignatures count
 * @throws InvalidLog "malformed_note", "malformed_checkpoint", "wrong_origin", "wrong_signature" or "no_known_signature"
 */
export async function openCheckpoint(
  text: string,
  logKeys: readonly VerifierKey[],
  witnessKeys: readonly VerifierKey[] = [],
): Promise<OpenedCheckpoint> {
  const note = parseNote(text);
  const checkpoint = parseCheckpoint(note.text);
  if (!logKeys.some(({ name }) => name === checkpoint.origin))
    throw new InvalidLog("wrong_origin", `the checkpoint is of the log ${checkpoint.origin}`);
  const keys = [...logKeys.filter(({ name }) => name === checkpoint.origin), ...witnessKeys];
  const signatures: CheckpointSignature[] = [];
  for (const line of note.signatures) {
    const key = keys.find(({ name, id }) => name === line.name && id === line.keyId);
    if (key === undefined) continue;
    const valid = await verifySignature(key, checkpoint, line);
    if (valid === undefined)
      throw new InvalidLog("wrong_signature", `the signature of ${key.name} (${key.id}) does not verify`);
    if (!signatures.some((earlier) => earlier.key === key)) signatures.push(valid);
  }
  if (!signatures.some(({ key }) => logKeys.includes(key)))
    throw new InvalidLog("no_known_signature", `no known key of ${checkpoint.origin} signed the checkpoint`);
  return { checkpoint, note, signatures };
}
