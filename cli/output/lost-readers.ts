import { whyNot } from "../files/why-not.ts";

let failure: string | undefined;

/**
 * Keeps a command going when its reader ends early (`vdc … | head`): neither its work nor its exit code changes. Any
 * other write error, as for a full disk, is kept for `outputFailure`.
 */
export function tolerateLostReaders(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") failure ??= whyNot(error);
  });
  process.stderr.on("error", () => {}); // there is no place left to report it
}

/** Why a part of stdout was not written, although a reader may need it. */
export function outputFailure(): string | undefined {
  return failure;
}
