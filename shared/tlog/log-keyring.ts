import * as v from "valibot";
import { base64url, fromBase64url } from "../crypto/bytes.ts";
import { importEd25519Seed } from "../crypto/ed25519.ts";
import { KeyringError } from "../crypto/keyring.ts";
import { generateSigningSeed, importSigningSeed } from "../crypto/ml-dsa.ts";
import { isPlaceholder } from "../crypto/placeholder.ts";
import { checkpointText, type Checkpoint } from "./checkpoint.ts";
import { ed25519Signer, mlDsaCosigner } from "./cosignature.ts";
import { noteText, type NoteSignature } from "./note.ts";
import { receiptMessage, type RootSignature } from "./receipt.ts";
import { ED25519, ML_DSA_44_COSIGNATURE, vkeyText } from "./vkey.ts";

const Seed = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));

/** The log's keys as the secret `LOG_KEYRING` holds them: seeds of 32 bytes in base64url. */
export const LogKeyringJson = v.strictObject({ ed25519: Seed, mlDsa44: Seed });
export type LogKeyringJson = v.InferOutput<typeof LogKeyringJson>;

/** Signs the checkpoints of one log. */
export interface LogSigner {
  /** The log's keys: Ed25519 (type 0x01), then ML-DSA-44 (type 0x06). */
  readonly vkeys: readonly [string, string];
  /**
   * Makes the signed note. ML-DSA is hedged: two calls give two notes, so call it once and keep the text.
   * @param timestamp seconds since the epoch, above 0
   */
  sign(checkpoint: Omit<Checkpoint, "origin">, timestamp: number): Promise<string>;
  /** Signs the root for COSE receipts, with both keys. Call it once and keep the signatures. */
  signRoot(root: Uint8Array): Promise<readonly RootSignature[]>;
}

/** The signers of both logs. */
export interface LogKeyring {
  /** @param origin of the log; it is the name of both keys */
  signer(origin: string): LogSigner;
}

/** RFC 9964: ML-DSA in COSE has an empty context. */
const NO_CONTEXT = "";

const GENERATE = "make one with `npm run vdc -- keys generate`";

/** Makes a new keyring of the log, as JSON. It is a secret. */
export function generateLogKeyring(): string {
  const keyring: LogKeyringJson = {
    ed25519: base64url(generateSigningSeed()),
    mlDsa44: base64url(generateSigningSeed()),
  };
  return JSON.stringify(keyring);
}

/** @throws KeyringError for a keyring that must not sign; the message never holds a seed */
export async function loadLogKeyring(json: string): Promise<LogKeyring> {
  const seeds = parse(json);
  const ed25519 = await importEd25519Seed(seedOf(seeds, "ed25519"));
  const mlDsa44 = await importSigningSeed(seedOf(seeds, "mlDsa44"));
  return {
    signer(origin) {
      const signers = [ed25519Signer(origin, ed25519), mlDsaCosigner(origin, mlDsa44)] as const;
      return {
        vkeys: [vkeyText(signers[0].key), vkeyText(signers[1].key)],
        async sign(unsigned, timestamp) {
          const checkpoint = { origin, ...unsigned };
          const signatures: NoteSignature[] = [];
          for (const signer of signers) signatures.push(await signer.sign(checkpoint, timestamp));
          return noteText({ text: checkpointText(checkpoint), signatures });
        },
        async signRoot(root) {
          const [classical, postQuantum] = signers.map(({ key }) => key.id) as [string, string];
          return [
            {
              type: ED25519,
              keyId: classical,
              signature: await ed25519.sign(receiptMessage(ED25519, classical, root)),
            },
            {
              type: ML_DSA_44_COSIGNATURE,
              keyId: postQuantum,
              signature: Uint8Array.from(
                await mlDsa44.sign(receiptMessage(ML_DSA_44_COSIGNATURE, postQuantum, root), NO_CONTEXT),
              ),
            },
          ];
        },
      };
    },
  };
}

function parse(json: string): LogKeyringJson {
  const keyring = v.safeParse(LogKeyringJson, parseJson(json));
  // Neither valibot's message nor an unknown member's name is repeated: each may hold a seed.
  if (!keyring.success) throw new KeyringError(`LOG_KEYRING has an unknown shape: ${GENERATE}`);
  if (keyring.output.ed25519 === keyring.output.mlDsa44)
    throw new KeyringError(`LOG_KEYRING has one seed for both keys: ${GENERATE}`);
  return keyring.output;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new KeyringError(`LOG_KEYRING is not JSON: ${GENERATE}`);
  }
}

function seedOf(seeds: LogKeyringJson, name: keyof LogKeyringJson): Uint8Array {
  const text = seeds[name];
  const seed = decoded(text);
  if (seed?.length !== 32)
    throw new KeyringError(`the seed ${name} of LOG_KEYRING is no 32 bytes: ${GENERATE}`);
  if (isPlaceholder(seed, text))
    throw new KeyringError(`the seed ${name} of LOG_KEYRING is a placeholder, not random bytes: ${GENERATE}`);
  return seed;
}

function decoded(text: string): Uint8Array | undefined {
  try {
    return fromBase64url(text);
  } catch {
    return undefined;
  }
}
