import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { callersPath } from "../../files/path.ts";
import { readTextNow } from "../../files/read.ts";
import type { LocalSecrets } from "./secrets.ts";
import { ROOT } from "./workers.ts";

/** The folder of the local stack: chain, archive, pins, secrets, and its URL. */
export function localDataDirectory(): string {
  const { VDC_DATA_DIR: given } = process.env;
  return given ? callersPath(given) : join(ROOT, ".vdc");
}

export function secretsFile(dataDirectory: string): string {
  return join(dataDirectory, ".dev.vars");
}

/** @throws Error that names what is missing in the file */
export function readSecrets(dataDirectory: string): LocalSecrets {
  const file = secretsFile(dataDirectory);
  if (!existsSync(file)) throw new Error(`there is no ${file}: start the stack once with \`npm start\``);
  const {
    ADMIN_SECRET,
    STRIPE_WEBHOOK_SECRET,
    SYSTEM_KEYRING,
    SYSTEM_ENCRYPTION_PUBLIC_KEY,
    LOG_KEYRING,
    PINATA_JWT,
    ALERT_WEBHOOK_URL,
    STRIPE_API_KEY,
  } = parseEnv(readTextNow(file));
  const secrets = {
    ADMIN_SECRET,
    STRIPE_WEBHOOK_SECRET,
    SYSTEM_KEYRING,
    SYSTEM_ENCRYPTION_PUBLIC_KEY,
    LOG_KEYRING,
    PINATA_JWT,
  };
  for (const [name, value] of Object.entries(secrets))
    if (!value)
      throw new Error(`${file} does not set ${name}: add it, or move the file away to have new secrets made`);
  return {
    ...(secrets as LocalSecrets),
    ...(ALERT_WEBHOOK_URL && { ALERT_WEBHOOK_URL }),
    ...(STRIPE_API_KEY && { STRIPE_API_KEY }),
  };
}

export function writeStackUrl(dataDirectory: string, url: string): void {
  writeFileSync(join(dataDirectory, "url"), url);
}

/** @throws Error when no stack ever ran on this directory */
export function readStackUrl(dataDirectory: string): string {
  const file = join(dataDirectory, "url");
  if (!existsSync(file))
    throw new Error(`there is no ${file}: start the stack once with \`npm start\`, or give its --url`);
  return readTextNow(file).trim();
}
