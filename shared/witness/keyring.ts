import { isOrigin } from "../tlog/checkpoint.ts";
import { ed25519Cosigner, mlDsaCosigner, type CheckpointSigner } from "../tlog/cosignature.ts";
import { InvalidLog } from "../tlog/invalid-log.ts";
import { loadSeedPair } from "../tlog/seed-pair.ts";

/** Signs with type 0x04 (Ed25519), and with type 0x06 (ML-DSA-44). */
export type Cosigners = readonly [CheckpointSigner, CheckpointSigner];

/**
 * Loads the witness's keys.
 * @param name of both keys: schema-less, without a space and without +, such as `witness.example.org/vdc`
 * @param json the secret `WITNESS_KEYRING`
 * @throws KeyringError for a keyring that must not sign, InvalidLog("malformed_key") for a name that no key can have
 */
export async function loadCosigners(name: string, json: string): Promise<Cosigners> {
  if (!isOrigin(name))
    // the message that ML-DSA signs holds either name's length in one byte
    throw new InvalidLog(
      "malformed_key",
      "WITNESS_NAME must have 1 to 255 bytes, and neither a space nor a +, such as witness.example.org/vdc",
    );
  const { ed25519, mlDsa44 } = await loadSeedPair(json, {
    setting: "WITNESS_KEYRING",
    command: "keys witness <name>",
  });
  return [ed25519Cosigner(name, ed25519), mlDsaCosigner(name, mlDsa44)];
}
