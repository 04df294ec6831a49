import { readFileSync } from "node:fs";
import type { Json } from "../../shared/crypto/canonical.ts";
import { CommandFailure, EXIT } from "../failure.ts";

export type JsonObject = { [name: string]: Json };

/** @param file `-`: stdin @throws CommandFailure */
export function readBytes(file: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(file === "-" ? 0 : file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandFailure(
      `${file} can't be read (${code})`,
      code === "ENOENT" ? EXIT.notFound : EXIT.failure,
    );
  }
}

/** @param file `-`: stdin @throws CommandFailure */
export function readJsonObject(file: string): JsonObject {
  const part = jsonObjectOf(new TextDecoder().decode(readBytes(file)));
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
