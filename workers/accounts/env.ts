import type { ChainHeadEnv } from "../../shared/chain-head.ts";
import type { EncryptionPublicKey } from "../../shared/crypto/envelope.ts";
import { KeyringError, parseEncryptionPublicKey } from "../../shared/crypto/keyring.ts";
import { Problem } from "../../shared/http/problems.ts";
import { logger, type Log } from "../../shared/log.ts";
import type { PendingTransaction } from "../../shared/messages.ts";
import type { UserMetadata } from "./user-metadata.ts";

export interface Env extends ChainHeadEnv {
  readonly KV: KVNamespace;
  readonly R2: R2Bucket;
  readonly USER_METADATA: DurableObjectNamespace<UserMetadata>;
  readonly PENDING_WRITER_QUEUE: Queue<PendingTransaction>;
  /** Base64url of the system's ML-KEM-768 public key. This Worker seals to it; it can open nothing. */
  readonly SYSTEM_ENCRYPTION_PUBLIC_KEY?: string;
  readonly SUBMISSION_WINDOW_SECONDS: string;
}

/** @throws Problem "not-configured" that names the setting: nothing is taken in with half a configuration */
export async function systemKey(env: Env): Promise<EncryptionPublicKey> {
  try {
    return await parseEncryptionPublicKey(env.SYSTEM_ENCRYPTION_PUBLIC_KEY ?? "");
  } catch (error) {
    if (!(error instanceof KeyringError)) throw error;
    throw notConfigured(`SYSTEM_ENCRYPTION_PUBLIC_KEY: ${error.message}`);
  }
}

/** Seconds. @throws Problem "not-configured" */
export function submissionWindow({ SUBMISSION_WINDOW_SECONDS: setting }: Env): number {
  const seconds = Number(setting);
  if (!(seconds > 0)) throw notConfigured("SUBMISSION_WINDOW_SECONDS must be a number above 0");
  return seconds;
}

function notConfigured(what: string): Problem {
  return new Problem("not-configured", `accounts: ${what}. Nothing was taken in; send it again later.`, {
    headers: { "retry-after": "60" },
  });
}

export function logOf(requestId: string): Log {
  return logger("accounts", { requestId });
}
