import * as v from "valibot";
import { SUBMITTED_TYPES, type SubmittedType } from "../../shared/chain/submission.ts";
import type { EncryptionPublicKey } from "../../shared/crypto/envelope.ts";
import { KeyringError, parseEncryptionPublicKey } from "../../shared/crypto/keyring.ts";
import type { DeadLettersEnv } from "../../shared/dead-letters.ts";
import { Problem } from "../../shared/http/problems.ts";
import type { IntentsEnv } from "../../shared/intents.ts";
import { logger, type Log } from "../../shared/log.ts";
import type { PendingTransaction } from "../../shared/messages.ts";
import { gatewayOf, pinnerOf, type PinningEnv } from "../../shared/storage/tiers.ts";
import type { DocumentTiers } from "./settle-upload.ts";
import type { UserMetadata } from "./user-metadata.ts";

export interface Env extends IntentsEnv, DeadLettersEnv, PinningEnv {
  readonly KV: KVNamespace;
  readonly USER_METADATA: DurableObjectNamespace<UserMetadata>;
  readonly PENDING_WRITER_QUEUE: Queue<PendingTransaction>;
  /** Base64url of the system's ML-KEM-768 public key. This Worker seals to it; it can open nothing. */
  readonly SYSTEM_ENCRYPTION_PUBLIC_KEY?: string;
  readonly SUBMISSION_WINDOW_SECONDS: string;
  /** Types of submissions that wait for a payment that names them, separated by commas. Empty: none does. */
  readonly PAID_TYPES?: string;
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
  if (!(seconds > 0 && seconds < Infinity))
    throw notConfigured("SUBMISSION_WINDOW_SECONDS must be a number above 0");
  return seconds;
}

/** @throws Problem "not-configured" that names the setting */
export function documentTiers(env: Env): DocumentTiers {
  try {
    return {
      bucket: env.R2,
      pinner: pinnerOf(env),
      gateway: gatewayOf(env),
      chainId: env.CHAIN_ID,
      now: Date.now,
      pause: (milliseconds) => scheduler.wait(milliseconds),
    };
  } catch (error) {
    throw notConfigured(error instanceof Error ? error.message : String(error));
  }
}

const PaidTypes = v.array(v.picklist(SUBMITTED_TYPES));

/** @throws Problem "not-configured" for a name that is none: a misspelt type must not be free of charge */
export function paidTypes({ PAID_TYPES: setting = "" }: Env): ReadonlySet<SubmittedType> {
  const names = setting.split(/[\s,]+/).filter((name) => name !== "");
  const types = v.safeParse(PaidTypes, names);
  if (!types.success)
    throw notConfigured(`PAID_TYPES must be some of ${SUBMITTED_TYPES.join(", ")}, separated by commas`);
  return new Set(types.output);
}

function notConfigured(what: string): Problem {
  return new Problem("not-configured", `accounts: ${what}. Nothing was taken in; send it again later.`, {
    headers: { "retry-after": "60" },
  });
}

export function logOf(requestId: string): Log {
  return logger("accounts", { requestId });
}
