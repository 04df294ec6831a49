import { whyNot } from "../files/why-not.ts";

let failure: string | undefined;

/**
 * A reader that goes away early (`vdc … | head`) changes nothing of what a command does, nor of its exit code: the verdict
 * decides that. What can't be written for another reason, as to a full disk, is kept for `outputFailure`.
 */
export function tolerateLostReaders(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") failure ??= whyNot(error);
  });
  process.stderr.on("error", () => {}); // nobody is left to be told
}

/** Why a part of stdout was not written, though somebody may have waited for it. */
export function outputFailure(): string | undefined {
  return failure;
}
