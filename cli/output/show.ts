import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Writes a command's data to stdout, which carries nothing else: with `--json` one JSON document, otherwise text. */
export function show<Document>(
  options: { readonly json?: boolean },
  document: Document,
  text: (document: Document) => string,
): void {
  process.stdout.write(`${options.json ? JSON.stringify(document, null, 2) : text(document)}\n`);
}

/** Writes binary data to stdout. Returns early when its reader has gone. */
export async function toStdout(data: Readable): Promise<void> {
  try {
    await pipeline(data, process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}

/** Writes a note beside the data to stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
