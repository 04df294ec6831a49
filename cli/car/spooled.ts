import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** Writes a stream into a temporary file and removes its name after `open` has returned. @returns the result of `open` */
export async function spooled<T>(
  stream: NodeJS.ReadableStream,
  open: (file: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "vdc-"));
  try {
    const file = join(directory, "stdin");
    await pipeline(stream, createWriteStream(file, { mode: 0o600 }));
    return await open(file);
  } finally {
    await rm(directory, { recursive: true });
  }
}
