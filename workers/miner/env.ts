import type { ChainHeadEnv } from "../../shared/chain-head.ts";
import type { StageEnv } from "../../shared/consume.ts";
import { loadKeyring, type Keyring } from "../../shared/crypto/keyring.ts";
import type { PersistBlock } from "../../shared/messages.ts";

export interface Env extends StageEnv, ChainHeadEnv {
  readonly R2: R2Bucket;
  readonly TIER_PERSISTER_QUEUE: Queue<PersistBlock>;
  /** JSON of `npm run vdc -- keys generate`. */
  readonly SYSTEM_KEYRING: string;
  readonly REQUIRE_USER_SIGNATURE?: string;
}

// Imported keys, kept for the life of the isolate. Only the finished keyring: a promise must not cross requests.
let imported: { json: string; keyring: Keyring } | undefined;

/** @throws KeyringError that says what to do: a miner with doubtful keys must not sign */
export async function keyringOf(env: Env): Promise<Keyring> {
  if (imported?.json === env.SYSTEM_KEYRING) return imported.keyring;
  const keyring = await loadKeyring(env.SYSTEM_KEYRING ?? "");
  imported = { json: env.SYSTEM_KEYRING, keyring };
  return keyring;
}
