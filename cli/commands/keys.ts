import { readFileSync } from "node:fs";
import { Command } from "commander";
import { generateKeyring, KeyringError, rotateKeyring } from "../../shared/crypto/keyring.ts";
import { CommandFailure } from "../failure.ts";
import { publicKeyOf } from "../local/secrets.ts";

export function keysCommand(): Command {
  return new Command("keys")
    .description("make the system's keys")
    .addCommand(
      new Command("generate")
        .description("print a new keyring (SYSTEM_KEYRING) and its public key, as lines of a .dev.vars file")
        .addHelpText("after", "\nExample:\n  npm run --silent vdc -- keys generate > keys.secret")
        .action(async () => print(await generateKeyring())),
    )
    .addCommand(
      new Command("rotate")
        .description(
          "print the keyring with new active keys; the old ones stay to announce the new and to decrypt",
        )
        .argument(
          "<file>",
          "file with the present keyring: its JSON, or the output of `keys generate`; - for stdin",
        )
        .addHelpText(
          "after",
          "\nExample:\n  npm run --silent vdc -- keys rotate keys.secret > keys.next.secret",
        )
        .action(async (file: string) => print(await rotate(file))),
    );
}

async function print(keyring: string): Promise<void> {
  console.log(`SYSTEM_KEYRING='${keyring}'`);
  console.log(`SYSTEM_ENCRYPTION_PUBLIC_KEY='${await publicKeyOf(keyring)}'`);
  console.error("Keep SYSTEM_KEYRING secret and backed up: it signs the chain and opens what is private.");
}

async function rotate(file: string): Promise<string> {
  const text = readKeyringFile(file).trim();
  const keyring = /^SYSTEM_KEYRING='(.*)'$/m.exec(text)?.[1] ?? text;
  try {
    return await rotateKeyring(keyring);
  } catch (error) {
    if (error instanceof KeyringError) throw new CommandFailure(error.message);
    throw error;
  }
}

function readKeyringFile(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandFailure(
      `${file} can't be read (${code}): give the file that holds the present keyring, or - for stdin`,
    );
  }
}
