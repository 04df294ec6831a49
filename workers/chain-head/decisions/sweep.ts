import { forgetFact, readFact, writeFact } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

/** The R2 keys behind which the sweeps of the miner and of `accounts` continue. Null: from the beginning. */
export interface SweepPlaces {
  readonly pending: string | null;
  readonly setAside: string | null;
  readonly intents: string | null;
}

const FACTS = { pending: "sweptPending", setAside: "sweptSetAside", intents: "sweptIntents" } as const;

export function sweepPlaces(sql: Sql): SweepPlaces {
  return {
    pending: readFact(sql, FACTS.pending) ?? null,
    setAside: readFact(sql, FACTS.setAside) ?? null,
    intents: readFact(sql, FACTS.intents) ?? null,
  };
}

export function noteSwept(sql: Sql, folder: keyof SweepPlaces, through: string | null): void {
  if (through === null) forgetFact(sql, FACTS[folder]);
  else writeFact(sql, FACTS[folder], through);
}
