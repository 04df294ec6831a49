import { Command, Option } from "commander";
import { generateKeyring, KeyringError, rotateKeyring } from "../../../shared/crypto/keyring.ts";
import { generateLogKeyring } from "../../../shared/tlog/log-keyring.ts";
import { CommandFailure } from "../../output/failure.ts";
import { writeSecretFile } from "../../files/secret-file.ts";
import { keyringIn } from "../../files/keyring.ts";
import { publicKeyOf } from "../../local/stack/secrets.ts";
import { note, show } from "../../output/show.ts";
import { examples, path } from "../options.ts";
import { revokeCommand } from "./revoke.ts";
import { witnessCommand } from "./witness.ts";

interface Options {
  readonly json?: boolean;
  readonly output?: string;
}

function outputOption(): Option {
  return new Option(
    "-o, --output <file>",
    "write them into a new file that only you can read; without it, or with -, to stdout",
  ).argParser(path);
}

export function keysCommand(): Command {
  return new Command("keys")
    .addCommand(
      new Command("generate")
        .description(
          "print a new keyring (SYSTEM_KEYRING), its public key and the log's keys (LOG_KEYRING), as lines of a .dev.vars file",
        )
        .option("--json", "one JSON document instead of lines")
        .addOption(outputOption())
        .addHelpText("after", examples("keys generate -o keys.secret"))
        .action(async (options: Options) =>
          print(await generateKeyring(), options, { LOG_KEYRING: generateLogKeyring() }),
        ),
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
        .addOption(outputOption())
        .addHelpText("after", examples("keys rotate keys.secret -o keys.next.secret"))
        .action(async (file: string, options: Options) => print(await rotate(file), options)),
    )
    .addCommand(revokeCommand())
    .addCommand(witnessCommand())
    .addHelpText("after", examples("keys generate -o keys.secret"));
}

async function print(
  keyring: string,
  options: Options,
  others: Readonly<Record<string, string>> = {},
): Promise<void> {
  const keys = {
    SYSTEM_KEYRING: keyring,
    SYSTEM_ENCRYPTION_PUBLIC_KEY: await publicKeyOf(keyring),
    ...others,
  };
  const { output = "-" } = options;
  if (output === "-") show(options, keys, asLines);
  else {
    const text = options.json ? JSON.stringify(keys, null, 2) : asLines(keys);
    writeSecretFile(
      output,
      `${text}\n`,
      `${output} is there already, and keys are never replaced: choose another file`,
    );
    note(`Written to ${output}.`);
  }
  note("Keep SYSTEM_KEYRING secret and backed up: it signs the chain and opens what is private.");
}

function asLines(keys: Readonly<Record<string, string>>): string {
  return Object.entries(keys)
    .map(([name, value]) => `${name}='${value}'`)
    .join("\n");
}

async function rotate(file: string): Promise<string> {
  try {
    return await rotateKeyring(await keyringIn(file));
  } catch (error) {
    if (error instanceof KeyringError) throw new CommandFailure(error.message);
    throw error;
  }
}
