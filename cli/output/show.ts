import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** stdout carries the data and nothing else: with `--json` one JSON document, otherwise text for a person. */
export function show<Document>(
  options: { readonly json?: boolean },
  document: Document,
  text: (document: Document) => string,
): void {
  process.stdout.write(`${options.json ? JSON.stringify(document, null, 2) : text(document)}\n`);
}

/** Data that is no text. Returns early when its reader has gone. */
export async function toStdout(data: Readable): Promise<void> {
  try {
    await pipeline(data, process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}

/** What a person may want to know beside the data: stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
