import { writeFileSync } from "node:fs";
import { expect } from "vitest";
import { secretsFile } from "../../cli/local/stack/data-directory.ts";
import { generateSecrets, type LocalSecrets } from "../../cli/local/stack/secrets.ts";

interface Keyring {
  signing: { keyId: string; seed: string; status: string }[];
  encryption: { keyId: string; seed: string; status: string }[];
}

type Change = (secrets: LocalSecrets) => Promise<Partial<LocalSecrets>> | Partial<LocalSecrets>;

/** Secrets with which a stack must not start: the error, and the change that breaks valid secrets. */
export const BROKEN_SECRETS: readonly [what: string, error: RegExp, change: Change][] = [
  [
    "a placeholder for a signing seed",
    /placeholder/,
    changedKeyring(({ signing }) => signing.forEach((key) => (key.seed = "A".repeat(43)))),
  ],
  [
    "a keyId that is not that of its seed",
    /keyId of signing\[0\] does not belong to its seed/,
    changedKeyring(({ signing }) => signing.forEach((key) => (key.keyId = "0".repeat(64)))),
  ],
  [
    "no active key",
    /no active signing key/,
    changedKeyring(({ signing }) => signing.forEach((key) => (key.status = "retired"))),
  ],
  [
    "a keyring that is cut off",
    /not JSON/,
    ({ SYSTEM_KEYRING }) => ({ SYSTEM_KEYRING: SYSTEM_KEYRING.slice(0, -9) }),
  ],
  [
    "the public key of another keyring",
    /SYSTEM_ENCRYPTION_PUBLIC_KEY/,
    async () => ({ SYSTEM_ENCRYPTION_PUBLIC_KEY: (await generateSecrets()).SYSTEM_ENCRYPTION_PUBLIC_KEY }),
  ],
  ["an empty secret", /does not set SYSTEM_KEYRING/, () => ({ SYSTEM_KEYRING: "" })],
];

function changedKeyring(change: (keys: Keyring) => void): Change {
  return ({ SYSTEM_KEYRING }) => {
    const keys = JSON.parse(SYSTEM_KEYRING) as Keyring;
    change(keys);
    return { SYSTEM_KEYRING: JSON.stringify(keys) };
  };
}

/** Writes the secrets file that a stack on the data directory reads. */
export function writeSecrets(dataDirectory: string, secrets: LocalSecrets): void {
  const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'`);
  writeFileSync(secretsFile(dataDirectory), `${lines.join("\n")}\n`);
}

/** Expects that the text holds no seed of the keyring, not even its beginning. */
export function expectNoSeed(text: string, { SYSTEM_KEYRING }: LocalSecrets): void {
  const { signing, encryption } = JSON.parse(SYSTEM_KEYRING) as Keyring;
  for (const { seed } of [...signing, ...encryption]) expect(text).not.toContain(seed.slice(0, 12));
}
