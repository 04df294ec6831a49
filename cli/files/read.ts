import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { Json } from "../../shared/crypto/canonical.ts";
import { CommandFailure, EXIT, type ExitCode } from "../output/failure.ts";
import { exactJson, InexactJson } from "./exact-json.ts";
import { NoText, textOf } from "./text.ts";
import { isOfTheSystem, whyNot } from "./why-not.ts";

export type JsonObject = { [name: string]: Json };

/**
 * @param file `-`: stdin
 * @param advice what to do when the file can't be read
 * @throws CommandFailure
 */
export async function readBytes(file: string, advice?: string): Promise<Uint8Array<ArrayBuffer>> {
  if (file === "-" && process.stdin.readableEnded)
    throw new CommandFailure("stdin has been read already: give - for one file only", EXIT.usage);
  try {
    return new Uint8Array(await (file === "-" ? buffer(process.stdin) : readFile(file)));
  } catch (error) {
    throw unreadable(file, error, advice);
  }
}

/**
 * The text of a file in UTF-8, or in UTF-16 with a byte order mark.
 * @param file `-`: stdin
 * @throws CommandFailure, which repeats nothing of the file
 */
export async function readText(file: string, advice?: string): Promise<string> {
  return asText(file, await readBytes(file, advice));
}

/** @throws CommandFailure, which repeats nothing of the file */
export function readTextNow(file: string, advice?: string, exitCode?: ExitCode): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw unreadable(file, error, advice, exitCode);
  }
  return asText(file, bytes);
}

/** @param file `-`: stdin @throws CommandFailure that says at which place it can't be signed as it is written */
export async function readJsonObject(file: string): Promise<JsonObject> {
  const name = nameOf(file);
  const text = await readText(file);
  try {
    return jsonObjectOf(text);
  } catch (error) {
    if (!(error instanceof InexactJson)) throw error;
    throw new CommandFailure(`${name}: ${error.message}`, EXIT.usage);
  }
}

/** @throws InexactJson unless the text is a JSON object that can be signed as it is written */
export function jsonObjectOf(text: string): JsonObject {
  const value = exactJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new InexactJson('it must be a JSON object, as {"assetId":"deed-17"}');
  return value as JsonObject;
}

function asText(file: string, bytes: Uint8Array): string {
  try {
    return textOf(bytes);
  } catch (error) {
    if (!(error instanceof NoText)) throw error;
    throw new CommandFailure(`${nameOf(file)} can't be read as text: ${error.message}`, EXIT.usage);
  }
}

function unreadable(file: string, error: unknown, advice?: string, exitCode?: ExitCode): CommandFailure {
  const isMissing = isOfTheSystem(error) && error.code === "ENOENT";
  return new CommandFailure(
    `${nameOf(file)} can't be read, for ${whyNot(error)}${advice === undefined ? "" : `: ${advice}`}`,
    exitCode ?? (isMissing ? EXIT.notFound : EXIT.failure),
  );
}

function nameOf(file: string): string {
  return file === "-" ? "stdin" : file;
}
