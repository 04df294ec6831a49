import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..", "..");

/** Seconds that each of the slower test files took on an idle machine with two cores; `npm test -- --record` writes it. */
export const DURATIONS_FILE = join(ROOT, "test", "durations.json");

/** Environment variable: the file to which a run writes the seconds that each of its files took. */
export const DURATIONS_OF_THIS_RUN = "VDC_DURATIONS_OF_THIS_RUN";

/** Expected seconds of a file that is not listed. */
export const QUICK_SECONDS = 0.5;

const SECONDS: Readonly<Record<string, number>> = existsSync(DURATIONS_FILE)
  ? JSON.parse(readFileSync(DURATIONS_FILE, "utf8"))
  : {};

/** Seconds that a test file is expected to take. */
export function expectedSeconds(moduleId: string): number {
  return SECONDS[relative(ROOT, moduleId)] ?? QUICK_SECONDS;
}
