import type { ChainHeadEnv } from "../../shared/objects/chain-head.ts";
import type { LogHeadEnv } from "../../shared/objects/log-head.ts";
import type { StageEnv } from "../../shared/queue/consume.ts";
import { loadKeyring, type Keyring } from "../../shared/crypto/keyring.ts";
import type { PersistBlock } from "../../shared/queue/messages.ts";

export interface Env extends StageEnv, ChainHeadEnv, LogHeadEnv {
  readonly R2: R2Bucket;
  readonly TIER_PERSISTER_QUEUE: Queue<PersistBlock>;
  /** JSON that `npm run vdc -- keys generate` printed. */
  readonly SYSTEM_KEYRING?: string;
  readonly REQUIRE_USER_SIGNATURE?: string;
}

/** @throws Error unless the setting is true, false or empty: a misspelt "TRUE" must not switch the rule off */
export function requiresUserSignature({ REQUIRE_USER_SIGNATURE: setting = "" }: Env): boolean {
  if (!["", "true", "false"].includes(setting))
    throw new Error(`REQUIRE_USER_SIGNATURE must be true or false, not ${setting}`);
  return setting === "true";
}

// Imported keys, kept for the life of the isolate. The finished keyring is kept, not its promise: a promise must not cross
// requests.
let imported: { json: string; keyring: Keyring } | undefined;

/** @throws KeyringError that says what to do: a miner with doubtful keys must not sign */
export async function keyringOf(env: Env): Promise<Keyring> {
  const json = env.SYSTEM_KEYRING ?? "";
  if (imported?.json === json) return imported.keyring;
  const keyring = await loadKeyring(json);
  imported = { json, keyring };
  return keyring;
}
