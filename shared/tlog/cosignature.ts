import { concat, utf8 } from "../crypto/bytes.ts";
import { verifyEd25519, type Ed25519Secret } from "../crypto/ed25519.ts";
import { verify, type SigningSecret } from "../crypto/ml-dsa.ts";
import { checkpointText, type Checkpoint } from "./checkpoint.ts";
import type { NoteSignature } from "./note.ts";
import {
  ED25519,
  ED25519_COSIGNATURE,
  ML_DSA_44_COSIGNATURE,
  verifierKey,
  type VerifierKey,
} from "./vkey.ts";

const NO_CONTEXT = ""; // C2SP tlog-cosignature: ML-DSA-44 with an empty context
const TIMESTAMP_BYTES = 8;

/** A valid signature of a checkpoint. */
export interface CheckpointSignature {
  readonly key: VerifierKey;
  /** When the cosigner saw the checkpoint, in seconds since the epoch; absent in a signature of type 0x01. */
  readonly timestamp?: number;
}

/** The bytes that a cosignature of type 0x04 signs: C2SP tlog-cosignature, "Ed25519 signed message". */
export function ed25519CosignedMessage(checkpoint: Checkpoint, timestamp: number): Uint8Array<ArrayBuffer> {
  return utf8(`cosignature/v1\ntime ${timestamp}\n${checkpointText(checkpoint)}`);
}

/**
 * The bytes that a cosignature of type 0x06 signs: C2SP tlog-cosignature, "ML-DSA-44 signed message", for the subtree from
 * 0 to the checkpoint's size.
 */
export function mlDsaCosignedMessage(
  cosigner: string,
  { origin, size, root }: Checkpoint,
  timestamp: number,
): Uint8Array<ArrayBuffer> {
  const [name, of] = [utf8(cosigner), utf8(origin)];
  return concat(
    utf8("subtree/v1\n\0"),
    Uint8Array.of(name.length),
    name,
    u64(timestamp),
    Uint8Array.of(of.length),
    of,
    u64(0),
    u64(size),
    root,
  );
}

/** Verifies one signature line of a checkpoint. `undefined`: the signature is wrong. */
export async function verifySignature(
  key: VerifierKey,
  checkpoint: Checkpoint,
  { signature }: Pick<NoteSignature, "signature">,
): Promise<CheckpointSignature | undefined> {
  if (key.type === ED25519)
    return (await verifyEd25519(signature, utf8(checkpointText(checkpoint)), key.publicKey))
      ? { key }
      : undefined;
  const timestamp = timestampOf(signature);
  if (timestamp === undefined) return undefined;
  const bytes = signature.slice(TIMESTAMP_BYTES);
  const isValid =
    key.type === ED25519_COSIGNATURE
      ? await verifyEd25519(bytes, ed25519CosignedMessage(checkpoint, timestamp), key.publicKey)
      : await verify(bytes, mlDsaCosignedMessage(key.name, checkpoint, timestamp), key.publicKey, NO_CONTEXT);
  return isValid ? { key, timestamp } : undefined;
}

/** Signs checkpoints with one key. */
export interface CheckpointSigner {
  readonly key: VerifierKey;
  /** @param timestamp seconds since the epoch, above 0; a signature of type 0x01 leaves it out */
  sign(checkpoint: Checkpoint, timestamp: number): Promise<NoteSignature>;
}

/** Signs with type 0x01, as a log does. */
export function ed25519Signer(name: string, secret: Ed25519Secret): CheckpointSigner {
  const key = verifierKey(name, ED25519, secret.publicKey);
  return {
    key,
    sign: async (checkpoint) => lineOf(key, await secret.sign(utf8(checkpointText(checkpoint)))),
  };
}

/** Signs with type 0x04, as a witness does. */
export function ed25519Cosigner(name: string, secret: Ed25519Secret): CheckpointSigner {
  const key = verifierKey(name, ED25519_COSIGNATURE, secret.publicKey);
  return {
    key,
    sign: async (checkpoint, timestamp) =>
      lineOf(key, concat(u64(timestamp), await secret.sign(ed25519CosignedMessage(checkpoint, timestamp)))),
  };
}

/** Signs with type 0x06, as a log and a witness do. The signature is hedged: make it once and store it. */
export function mlDsaCosigner(name: string, secret: SigningSecret): CheckpointSigner {
  const key = verifierKey(name, ML_DSA_44_COSIGNATURE, Uint8Array.from(secret.publicKey));
  return {
    key,
    sign: async (checkpoint, timestamp) =>
      lineOf(
        key,
        concat(
          u64(timestamp),
          await secret.sign(mlDsaCosignedMessage(name, checkpoint, timestamp), NO_CONTEXT),
        ),
      ),
  };
}

function lineOf({ name, id }: VerifierKey, signature: Uint8Array<ArrayBuffer>): NoteSignature {
  return { name, keyId: id, signature };
}

/** A time of 0 would claim nothing: C2SP tlog-cosignature allows it for subtrees only. */
function timestampOf(signature: Uint8Array): number | undefined {
  if (signature.length <= TIMESTAMP_BYTES) return undefined;
  const timestamp = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  return timestamp > 0n && timestamp <= Number.MAX_SAFE_INTEGER ? Number(timestamp) : undefined;
}

function u64(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}
