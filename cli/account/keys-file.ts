import { readFileSync, writeFileSync } from "node:fs";
import { Option } from "commander";
import * as v from "valibot";
import {
  generateUserKeys,
  importUserKeys,
  UserKeysJson,
  type UserKeys,
} from "../../shared/client/user-keys.ts";
import { path } from "../commands/options.ts";
import { CommandFailure, EXIT } from "../failure.ts";

const DEFAULT = "user.keys.json";

export function keysOption(): Option {
  return new Option("--keys <file>", "the file with your keys: secret, and there is no other copy")
    .default(path(DEFAULT), DEFAULT)
    .argParser(path);
}

/** @throws CommandFailure that says what is wrong with the file, and repeats nothing of it */
export async function readKeys(file: string): Promise<UserKeys> {
  const parsed = v.safeParse(UserKeysJson, parseJson(read(file)));
  if (!parsed.success) throw new CommandFailure(`${file} holds no user's keys: ${NEW_KEYS}`, EXIT.usage);
  try {
    return await importUserKeys(parsed.output);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandFailure(`the keys in ${file} are damaged: restore the file from its backup`, EXIT.usage);
  }
}

/** New keys in a new file that only its owner may read. What is there already is never touched. */
export async function createKeys(file: string): Promise<UserKeys> {
  const keys = generateUserKeys();
  try {
    writeFileSync(file, `${JSON.stringify(keys)}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "EEXIST"
      ? new CommandFailure(
          `${file} is there already, and keys are never replaced: \`vdc user register --keys ${file}\` registers them, or choose another file with --keys`,
          EXIT.refused,
        )
      : new CommandFailure(`${file} can't be written (${code})`);
  }
  return importUserKeys(keys);
}

const NEW_KEYS = "`vdc user create` makes such a file";

function read(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandFailure(
      `${file} can't be read (${code}): give the file with your keys. ${NEW_KEYS}`,
      code === "ENOENT" ? EXIT.notFound : EXIT.failure,
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no keys fit it; the error would quote the text
  }
}
