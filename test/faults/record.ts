import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FAULTS } from "./fault.ts";
import { LISTED } from "./listed.ts";
import type { Outcome } from "./matrix.ts";
import { RECOVERIES, type Recovery } from "./recovery.ts";

/** How the last run of each cell ended: by write, one word for each fault in the order of `FAULTS`. */
const RECORD = join(import.meta.dirname, "outcomes.json");
const FAILED = "failed";
const NOT_RUN = "not_run";

/** The cells that have run, as the record has them. */
export function recordedOutcomes(): Outcome[] {
  const record = JSON.parse(readFileSync(RECORD, "utf8")) as Readonly<Record<string, string>>;
  return Object.entries(record).flatMap(([write, words]) =>
    words.split(" ").flatMap((word, i): Outcome[] => {
      const fault = FAULTS[i];
      if (fault === undefined) throw new Error(`${RECORD} has too many words for ${write}`);
      if (word === NOT_RUN) return [];
      return [{ flow: "", write, fault, ...(isRecovery(word) ? { recovery: word } : { failure: word }) }];
    }),
  );
}

/** Writes the cells of listed writes into the record; of two outcomes of a cell, the later counts. */
export function record(outcomes: readonly Outcome[]): void {
  const words = new Map(
    outcomes.map(({ write, fault, recovery }) => [`${write} ${fault}`, recovery ?? FAILED]),
  );
  const lines = Object.values(LISTED)
    .flat()
    .map((write) => [write, FAULTS.map((fault) => words.get(`${write} ${fault}`) ?? NOT_RUN).join(" ")]);
  writeFileSync(RECORD, `${JSON.stringify(Object.fromEntries(lines), undefined, 2)}\n`);
}

function isRecovery(word: string): word is Recovery {
  return Object.hasOwn(RECOVERIES, word);
}
