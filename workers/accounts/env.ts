import * as v from "valibot";
import type { SubmittedType } from "../../shared/chain/submission.ts";
import type { EncryptionPublicKey } from "../../shared/crypto/envelope.ts";
import { KeyringError, parseEncryptionPublicKey } from "../../shared/crypto/keyring.ts";
import type { DeadLettersEnv } from "../../shared/objects/dead-letters.ts";
import type { DocumentIndexEnv } from "../../shared/objects/document-index.ts";
import { Problem } from "../../shared/http/problems.ts";
import type { IntentsEnv } from "../../shared/operations/release-intents.ts";
import { logger, type Log } from "../../shared/runtime/log.ts";
import type { PendingTransaction } from "../../shared/queue/messages.ts";
import type { UserMetadata } from "./metadata/user-metadata.ts";

export interface Env extends IntentsEnv, DeadLettersEnv, DocumentIndexEnv {
  readonly KV: KVNamespace;
  readonly USER_METADATA: DurableObjectNamespace<UserMetadata>;
  readonly PENDING_WRITER_QUEUE: Queue<PendingTransaction>;
  /** Base64url of the system's ML-KEM-768 public key. This Worker seals to it and can open nothing. */
  readonly SYSTEM_ENCRYPTION_PUBLIC_KEY?: string;
  readonly SUBMISSION_WINDOW_SECONDS: string;
  readonly WRITE_LANDS_WITHIN_SECONDS: string;
  readonly RATE_LIMITING: string;
  readonly KEY_WRITES: RateLimit;
  readonly KEY_UPLOADS: RateLimit;
  readonly DOCUMENT_BYTES_PER_DAY: string;
  /** Types of submissions about assets that wait for a payment that names them, separated by commas. Empty: no type waits. */
  readonly PAID_TYPES?: string;
  /** `token`, `paid` or `open`: who may register. */
  readonly REGISTRATION: string;
}

/** @throws Problem "not-configured" that names the setting: a Worker with half a configuration must not take anything in */
export async function systemKey(env: Env): Promise<EncryptionPublicKey> {
  try {
    return await parseEncryptionPublicKey(env.SYSTEM_ENCRYPTION_PUBLIC_KEY ?? "");
  } catch (error) {
    if (!(error instanceof KeyringError)) throw error;
    throw notConfigured(`SYSTEM_ENCRYPTION_PUBLIC_KEY: ${error.message}`);
  }
}

/** The chain head forgets a refused submission after 30 days. By then the same submission must be too old to be accepted. */
const LONGEST_WINDOW_SECONDS = 86_400;

/**
 * Largest difference between a submission's timestamp and our clock, in seconds.
 * @throws Problem "not-configured"
 */
export function submissionWindow({ SUBMISSION_WINDOW_SECONDS: setting }: Env): number {
  const seconds = Number(setting);
  if (!(seconds > 0 && seconds <= LONGEST_WINDOW_SECONDS))
    throw notConfigured(
      `SUBMISSION_WINDOW_SECONDS must be a number above 0, and at most ${LONGEST_WINDOW_SECONDS}`,
    );
  return seconds;
}

/**
 * Milliseconds after which an unanswered write to KV has landed or never will.
 * @throws Problem "not-configured"
 */
export function writesLandWithin({ WRITE_LANDS_WITHIN_SECONDS: setting }: Env): number {
  const seconds = Number(setting);
  if (Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= 3_600) return seconds * 1_000;
  throw notConfigured("WRITE_LANDS_WITHIN_SECONDS must be a whole number from 1 to 3,600");
}

/**
 * Bytes that one user may store in a day.
 * @throws Problem "not-configured"
 */
export function documentQuota({ DOCUMENT_BYTES_PER_DAY: setting }: Env): number {
  const bytes = Number(setting);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw notConfigured("DOCUMENT_BYTES_PER_DAY must be a whole number above 0");
}

/** `token`: only with an activation token. `paid`: also once a payment names the registration. `open`: every user, at once. */
const Registration = v.picklist(["token", "paid", "open"]);

/** @throws Problem "not-configured": a misspelt setting must not let every user in */
export function registration({ REGISTRATION: setting }: Env): v.InferOutput<typeof Registration> {
  if (v.is(Registration, setting)) return setting;
  throw notConfigured(`REGISTRATION must be one of ${Registration.options.join(", ")}`);
}

/** Types for which the operator may require a payment. Registrations have a setting of their own. */
const PAYABLE = ["asset_creation", "asset_transfer"] as const satisfies readonly SubmittedType[];
const PaidTypes = v.array(v.picklist(PAYABLE));

/** @throws Problem "not-configured" for an unknown name: a misspelt type must not be free of charge */
export function paidTypes(env: Env): ReadonlySet<SubmittedType> {
  const names = (env.PAID_TYPES ?? "").split(/[\s,]+/).filter((name) => name !== "");
  const types = v.safeParse(PaidTypes, names);
  if (!types.success)
    throw notConfigured(
      `PAID_TYPES must be some of ${PAYABLE.join(", ")}, separated by commas; registrations are paid with REGISTRATION=paid`,
    );
  return new Set([
    ...types.output,
    ...(registration(env) === "paid" ? (["user_registration"] as const) : []),
  ]);
}

function notConfigured(what: string): Problem {
  return new Problem("not-configured", `accounts: ${what}. Nothing was taken in; send it again later.`, {
    headers: { "retry-after": "60" },
  });
}

export function logOf(requestId: string): Log {
  return logger("accounts", { requestId });
}
