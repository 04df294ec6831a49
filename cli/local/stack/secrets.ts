import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { base64url } from "../../../shared/crypto/bytes.ts";
import {
  generateKeyring,
  KeyringError,
  loadKeyring,
  parseEncryptionPublicKey,
} from "../../../shared/crypto/keyring.ts";
import { generateLogKeyring, loadLogKeyring } from "../../../shared/tlog/log-keyring.ts";
import { WORKERS, type Resource, type WorkerName } from "../../../shared/pipeline.ts";
import { readTextNow } from "../../files/read.ts";
import { readSecrets, secretsFile } from "./data-directory.ts";

/** All secrets of the Workers, by the name of their binding. */
export interface LocalSecrets {
  readonly ADMIN_SECRET: string;
  readonly STRIPE_WEBHOOK_SECRET: string;
  readonly SYSTEM_KEYRING: string;
  readonly SYSTEM_ENCRYPTION_PUBLIC_KEY: string;
  readonly LOG_KEYRING: string;
  readonly PINATA_JWT: string;
  /** Optional: without it, thin events are refused. */
  readonly STRIPE_API_KEY?: string;
  /** Optional: without it, no alert is posted. */
  readonly ALERT_WEBHOOK_URL?: string;
}

/** Generates new random secrets; the public key is that of the keyring. */
export async function generateSecrets(keyring?: string): Promise<LocalSecrets> {
  const json = keyring ?? (await generateKeyring());
  return {
    ADMIN_SECRET: randomBytes(24).toString("base64url"),
    STRIPE_WEBHOOK_SECRET: `whsec_${randomBytes(24).toString("hex")}`,
    SYSTEM_KEYRING: json,
    SYSTEM_ENCRYPTION_PUBLIC_KEY: await publicKeyOf(json),
    LOG_KEYRING: generateLogKeyring(),
    PINATA_JWT: `local-${randomBytes(16).toString("hex")}`,
  };
}

/** @throws KeyringError when the keyring must not be used */
export async function publicKeyOf(keyring: string): Promise<string> {
  const { encryption } = await loadKeyring(keyring);
  return base64url(encryption.active.publicKey);
}

const NEEDED_FOR: Partial<Record<Resource, keyof LocalSecrets>> = {
  admin: "ADMIN_SECRET",
  stripe: "STRIPE_WEBHOOK_SECRET",
  "stripe-api": "STRIPE_API_KEY",
  "encryption-key": "SYSTEM_ENCRYPTION_PUBLIC_KEY",
  "signing-keys": "SYSTEM_KEYRING",
  "log-keys": "LOG_KEYRING",
  pinata: "PINATA_JWT",
  "alert-webhook": "ALERT_WEBHOOK_URL",
};

export function secretNamesOf(worker: WorkerName): readonly (keyof LocalSecrets)[] {
  const touches: readonly Resource[] = WORKERS[worker].touches;
  return touches.flatMap((resource) => NEEDED_FOR[resource] ?? []);
}

/** Secrets that a Worker can work without. */
export const OPTIONAL_SECRETS: readonly (keyof LocalSecrets)[] = ["STRIPE_API_KEY", "ALERT_WEBHOOK_URL"];

/** Selects the secrets that the Worker's work needs. An empty secret is not set at all. */
export function secretsFor(worker: WorkerName, secrets: LocalSecrets): Partial<LocalSecrets> {
  return Object.fromEntries(
    secretNamesOf(worker).flatMap((name) => (secrets[name] ? [[name, secrets[name]]] : [])),
  );
}

/**
 * Checks that the keyring is usable, and that it can open what is sealed to the public encryption key.
 * @throws KeyringError that says what to do
 */
export async function checkKeys(secrets: LocalSecrets): Promise<void> {
  await loadLogKeyring(secrets.LOG_KEYRING);
  await parseEncryptionPublicKey(secrets.SYSTEM_ENCRYPTION_PUBLIC_KEY);
  if ((await publicKeyOf(secrets.SYSTEM_KEYRING)) !== secrets.SYSTEM_ENCRYPTION_PUBLIC_KEY)
    throw new KeyringError(
      "SYSTEM_ENCRYPTION_PUBLIC_KEY is not that of the active encryption key in SYSTEM_KEYRING: set both from one output of `npm run vdc -- keys generate`",
    );
}

/**
 * Reads the data directory's secrets, and generates them when there are none. Variables of the environment override the
 * file.
 */
export async function localSecrets(
  dataDirectory: string,
  environment: NodeJS.ProcessEnv,
): Promise<LocalSecrets> {
  const file = secretsFile(dataDirectory);
  if (!existsSync(file)) {
    mkdirSync(dataDirectory, { recursive: true });
    writeFileSync(file, asEnvFile(await generateSecrets()), { mode: 0o600 });
  }
  addLogKeyring(file);
  const stored = readSecrets(dataDirectory);
  const given = Object.fromEntries(
    [...Object.keys(stored), ...OPTIONAL_SECRETS].flatMap((name) =>
      environment[name] ? [[name, environment[name]]] : [],
    ),
  );
  return { ...stored, ...given };
}

/** Adds the log's keys to secrets that an earlier stack made without them. */
function addLogKeyring(file: string): void {
  if (!/^LOG_KEYRING=/m.test(readTextNow(file)))
    appendFileSync(file, `LOG_KEYRING='${generateLogKeyring()}'\n`);
}

function asEnvFile(secrets: LocalSecrets): string {
  const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'`);
  return [
    "# Made by the local stack. The keyring signs this chain: without it the chain ends here.",
    ...lines,
    "",
  ].join("\n");
}
