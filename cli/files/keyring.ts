import { KeyringError, loadKeyring, type Keyring } from "../../shared/crypto/keyring.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { readText } from "./read.ts";
import { settingIn } from "./setting.ts";
import { localDataDirectory, readSecrets } from "../local/stack/data-directory.ts";

/**
 * Reads the keyring's JSON from a file: alone, or as `keys generate` prints it, in the line `SYSTEM_KEYRING='…'` or, with
 * --json, in the member of that name.
 * @param file `-`: stdin
 */
export async function keyringIn(file: string): Promise<string> {
  const text = await readText(file, "give the file that holds the present keyring, or - for stdin");
  return settingIn(text, "SYSTEM_KEYRING");
}

/**
 * Reads the system's keys: from the file, else from SYSTEM_KEYRING, else, for the local stack only, its own.
 * @throws CommandFailure that says where to put the keys, and quotes none of them
 */
export async function systemKeyring(
  file: string | undefined,
  target: { readonly isLocal: boolean },
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Keyring> {
  const json = file === undefined ? fromEnvironment(target, environment) : await keyringIn(file);
  try {
    return await loadKeyring(json);
  } catch (error) {
    if (error instanceof KeyringError) throw new CommandFailure(error.message);
    throw error;
  }
}

function fromEnvironment({ isLocal }: { readonly isLocal: boolean }, environment: NodeJS.ProcessEnv): string {
  if (environment.SYSTEM_KEYRING) return environment.SYSTEM_KEYRING;
  if (isLocal) return localKeyring();
  throw new CommandFailure(
    "this opens what only the system's keys open: give their file with --keyring, as `vdc keys generate` printed it, or set SYSTEM_KEYRING",
    EXIT.usage,
  );
}

function localKeyring(): string {
  try {
    return readSecrets(localDataDirectory()).SYSTEM_KEYRING;
  } catch (error) {
    throw new CommandFailure(error instanceof Error ? error.message : String(error));
  }
}
