import { Option } from "commander";
import * as v from "valibot";
import {
  generateUserKeys,
  importUserKeys,
  UserKeysJson,
  type UserKeys,
} from "../../shared/client/user-keys.ts";
import { path } from "../commands/options.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { readText } from "../files/read.ts";
import { writeSecretFile } from "../files/secret-file.ts";

const DEFAULT = "user.keys.json";

export function keysOption(): Option {
  return new Option("--keys <file>", "the file with your keys: secret, and there is no other copy")
    .default(path(DEFAULT), DEFAULT)
    .argParser(path);
}

/** @throws CommandFailure that says what is wrong with the file, and quotes no part of it */
export async function readKeys(file: string): Promise<UserKeys> {
  const parsed = v.safeParse(UserKeysJson, parseJson(file, await readText(file, NEW_KEYS)));
  if (!parsed.success)
    throw new CommandFailure(
      `${file} holds JSON, but no user's keys: give the file that \`vdc user create\` wrote, or restore it from its backup`,
      EXIT.usage,
    );
  try {
    return await importUserKeys(parsed.output);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandFailure(`the keys in ${file} are damaged: restore the file from its backup`, EXIT.usage);
  }
}

/** Makes new keys in a new file that only its owner may read. Never touches an existing file. */
export async function createKeys(file: string): Promise<UserKeys> {
  if (file === "-")
    throw new CommandFailure(
      "new keys are written to a file of their own, never to stdout: give its name with --keys",
      EXIT.usage,
    );
  const keys = generateUserKeys();
  writeSecretFile(
    file,
    `${JSON.stringify(keys)}\n`,
    `${file} is there already, and keys are never replaced: \`vdc user register --keys ${file}\` registers them, or choose another file with --keys`,
  );
  return importUserKeys(keys);
}

const NEW_KEYS = "give the file with your keys. `vdc user create` makes one for a user who has none";

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's error would quote the text, which may hold a seed.
    throw new CommandFailure(
      `${file} is not JSON: restore the file from its backup, or give the file with your keys`,
      EXIT.usage,
    );
  }
}
