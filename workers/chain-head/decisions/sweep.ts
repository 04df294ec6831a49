import { deleteValue, getValue, setValue } from "../storage/key-values.ts";
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
    pending: getValue(sql, FACTS.pending) ?? null,
    setAside: getValue(sql, FACTS.setAside) ?? null,
    intents: getValue(sql, FACTS.intents) ?? null,
  };
}

export function noteSwept(sql: Sql, folder: keyof SweepPlaces, through: string | null): void {
  if (through === null) deleteValue(sql, FACTS[folder]);
  else setValue(sql, FACTS[folder], through);
}
