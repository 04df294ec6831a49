import { Command } from "commander";
import { generateKeyring, KeyringError, rotateKeyring } from "../../shared/crypto/keyring.ts";
import { CommandFailure } from "../failure.ts";
import { keyringIn } from "../keyring.ts";
import { publicKeyOf } from "../local/secrets.ts";
import { note, show } from "../output/show.ts";
import { examples, path } from "./options.ts";

interface Options {
  readonly json?: boolean;
}

export function keysCommand(): Command {
  return new Command("keys")
    .addCommand(
      new Command("generate")
        .description("print a new keyring (SYSTEM_KEYRING) and its public key, as lines of a .dev.vars file")
        .option("--json", "one JSON document instead of lines")
        .addHelpText("after", examples("keys generate > keys.secret"))
        .action(async (options: Options) => print(await generateKeyring(), options)),
    )
    .addCommand(
      new Command("rotate")
        .description(
          "print the keyring with new active keys; the old ones stay to announce the new and to decrypt",
        )
        .argument(
          "<file>",
          "file with the present keyring: its JSON, or the output of `keys generate`; - for stdin",
          path,
        )
        .option("--json", "one JSON document instead of lines")
        .addHelpText("after", examples("keys rotate keys.secret > keys.next.secret"))
        .action(async (file: string, options: Options) => print(await rotate(file), options)),
    )
    .addHelpText("after", examples("keys generate > keys.secret"));
}

async function print(keyring: string, options: Options): Promise<void> {
  const keys = { SYSTEM_KEYRING: keyring, SYSTEM_ENCRYPTION_PUBLIC_KEY: await publicKeyOf(keyring) };
  show(options, keys, (keys) =>
    Object.entries(keys)
      .map(([name, value]) => `${name}='${value}'`)
      .join("\n"),
  );
  note("Keep SYSTEM_KEYRING secret and backed up: it signs the chain and opens what is private.");
}

async function rotate(file: string): Promise<string> {
  try {
    return await rotateKeyring(await keyringIn(file));
  } catch (error) {
    if (error instanceof KeyringError) throw new CommandFailure(error.message);
    throw error;
  }
}
