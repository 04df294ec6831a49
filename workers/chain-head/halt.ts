import { forgetFact, readFact, writeFact, type Facts } from "./facts.ts";
import { tellAgain } from "./tell-again.ts";
import type { Sql } from "./schema.ts";

/** Why no block is made. `at`: since when, milliseconds since the epoch. */
export type Halted = Readonly<Facts["halted"]>;

/** A chain that is being restored makes no block either, however long nobody goes on with it. */
export function whyHalted(sql: Sql): Halted | null {
  const since = readFact(sql, "restoring");
  if (since === undefined) return readFact(sql, "halted") ?? null;
  const reason =
    "the chain head is being restored from stored blocks, and makes none before it has all of them: " +
    "`vdc storage runs` shows how far it is, `vdc restore` goes on with it";
  return { reason, at: since };
}

/** Stops mining until an operator resumes. The first reason stays: it is the one to look at. */
export function halt(sql: Sql, reason: string, now: number): void {
  if (readFact(sql, "halted") === undefined) writeFact(sql, "halted", { reason, at: now });
}

/** Mining goes on, and every stage is told at once of what waits for it. */
export function resume(sql: Sql): void {
  forgetFact(sql, "halted");
  tellAgain(sql);
}
