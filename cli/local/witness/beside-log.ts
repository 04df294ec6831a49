import { TRANSACTIONS_SUFFIX } from "../../../shared/tlog/endorsement.ts";
import { loadLogKeyring } from "../../../shared/tlog/log-keyring.ts";
import { startWitness, type WitnessService } from "./server.ts";

/** The logs that a witness beside the stack follows. */
export interface WitnessedLogs {
  /** The secret `LOG_KEYRING`. Only the public keys that follow from it reach the witness. */
  readonly logKeyring: string;
  /** The setting `LOG_ORIGIN`. */
  readonly origin: string;
}

/** Starts a witness that follows both logs of a local chain. */
export async function startWitnessOf(
  { logKeyring, origin }: WitnessedLogs,
  { dir, name, port = 0 }: { readonly dir: string; readonly name: string; readonly port?: number },
): Promise<WitnessService> {
  const keyring = await loadLogKeyring(logKeyring);
  const logs = [origin, `${origin}${TRANSACTIONS_SUFFIX}`].flatMap((log) => keyring.signer(log).vkeys);
  return startWitness({ dir, name, logs, port });
}

/** A C2SP tlog-policy with this witness alone: both of its keys must have cosigned. */
export function policyOf({ url, vkeys }: WitnessService): string {
  return [
    `witness one-ed25519 ${vkeys[0]} ${url}`,
    `witness one-ml-dsa-44 ${vkeys[1]} ${url}`,
    "group one all one-ed25519 one-ml-dsa-44",
    "quorum one",
    "",
  ].join("\n");
}
