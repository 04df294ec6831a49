import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { Json } from "../../shared/crypto/canonical.ts";
import { CommandFailure, EXIT } from "../failure.ts";

export type JsonObject = { [name: string]: Json };

/**
 * @param file `-`: stdin
 * @param advice what to do when the file can't be read
 * @throws CommandFailure
 */
export async function readBytes(file: string, advice?: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await (file === "-" ? buffer(process.stdin) : readFile(file)));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandFailure(
      `${file} can't be read (${code})${advice === undefined ? "" : `: ${advice}`}`,
      code === "ENOENT" ? EXIT.notFound : EXIT.failure,
    );
  }
}

/** @param file `-`: stdin @throws CommandFailure */
export async function readJsonObject(file: string): Promise<JsonObject> {
  const part = jsonObjectOf(new TextDecoder().decode(await readBytes(file)));
  if (part === undefined) throw new CommandFailure(`${file} must hold a JSON object`, EXIT.usage);
  return part;
}

/** What the text says when it is a JSON object. */
export function jsonObjectOf(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : undefined;
  } catch {
    return undefined;
  }
}
