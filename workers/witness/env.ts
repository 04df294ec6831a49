import { parseFollowedLogs } from "../../shared/witness/followed-logs.ts";
import { loadCosigners } from "../../shared/witness/keyring.ts";
import type { Witness as WitnessSetup, WitnessState } from "../../shared/witness/witness.ts";
import type { Witness } from "./index.ts";

export interface Env {
  readonly WITNESS_NAME: string;
  readonly WITNESS_LOGS: string;
  readonly WITNESS_KEYRING: string;
  readonly WITNESS: DurableObjectNamespace<Witness>;
}

/** @throws KeyringError or InvalidLog that names the bad setting */
export async function witnessOf(env: Env): Promise<WitnessSetup> {
  return {
    cosigners: await loadCosigners(env.WITNESS_NAME, env.WITNESS_KEYRING),
    logs: parseFollowedLogs(env.WITNESS_LOGS),
    state: stateOf(env),
    now: () => Math.floor(Date.now() / 1_000),
  };
}

/** Returns the one object that holds the state of all logs. It is named by the witness, so another name begins without a memory. */
function stateOf(env: Env): WitnessState {
  const object = env.WITNESS.getByName(env.WITNESS_NAME);
  return {
    advance: (origin, signed) => object.advance(origin, signed),
    keepNote: (origin, size, note) => object.keepNote(origin, size, note),
    lastNote: (origin) => object.lastNote(origin),
  };
}
