import { forgetFact, readFact, writeFact } from "./facts.ts";
import type { Sql } from "./schema.ts";

/** Where the miner's sweep goes on: behind these keys of R2. Null: from the beginning. */
export interface SweepPlaces {
  readonly pending: string | null;
  readonly setAside: string | null;
}

const FACTS = { pending: "sweptPending", setAside: "sweptSetAside" } as const;

export function sweepPlaces(sql: Sql): SweepPlaces {
  return { pending: readFact(sql, FACTS.pending) ?? null, setAside: readFact(sql, FACTS.setAside) ?? null };
}

export function noteSwept(sql: Sql, folder: keyof SweepPlaces, through: string | null): void {
  if (through === null) forgetFact(sql, FACTS[folder]);
  else writeFact(sql, FACTS[folder], through);
}
