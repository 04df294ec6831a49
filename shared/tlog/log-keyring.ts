import { checkpointText, type Checkpoint } from "./checkpoint.ts";
import { ed25519Signer, mlDsaCosigner } from "./cosignature.ts";
import { noteText, type NoteSignature } from "./note.ts";
import { receiptMessage, type RootSignature } from "./receipt.ts";
import { generateSeedPair, loadSeedPair, SeedPairJson } from "./seed-pair.ts";
import { ED25519, ML_DSA_44_COSIGNATURE, vkeyText } from "./vkey.ts";

/** The log's keys as the secret `LOG_KEYRING` holds them: seeds of 32 bytes in base64url. */
export const LogKeyringJson = SeedPairJson;
export type LogKeyringJson = SeedPairJson;

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

/** Makes a new keyring of the log, as JSON. It is a secret. */
export function generateLogKeyring(): string {
  return generateSeedPair();
}

/** @throws KeyringError for a keyring that must not sign; the message never holds a seed */
export async function loadLogKeyring(json: string): Promise<LogKeyring> {
  const { ed25519, mlDsa44 } = await loadSeedPair(json, { setting: "LOG_KEYRING", command: "keys generate" });
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
