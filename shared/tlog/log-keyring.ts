import { checkpointText, type Checkpoint } from "./checkpoint.ts";
import { ed25519Signer, mlDsaCosigner } from "./cosignature.ts";
import { noteText, type NoteSignature } from "./note.ts";
import { generateSeedPair, loadSeedPair, SeedPairJson } from "./seed-pair.ts";
import { vkeyText } from "./vkey.ts";

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
}

/** The signers of both logs. */
export interface LogKeyring {
  /** @param origin of the log; it is the name of both keys */
  signer(origin: string): LogSigner;
}

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
      };
    },
  };
}
