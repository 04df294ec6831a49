import { forgetFact, readFact, writeFact } from "./facts.ts";
import { tellAgain } from "./tell-again.ts";
import type { Sql } from "./schema.ts";

/** Stops mining until an operator resumes. The first reason stays: it is the one to look at. */
export function halt(sql: Sql, reason: string, now: number): void {
  if (readFact(sql, "halted") === undefined) writeFact(sql, "halted", { reason, at: now });
}

/** Mining goes on, and every stage is told at once of what waits for it. */
export function resume(sql: Sql): void {
  forgetFact(sql, "halted");
  tellAgain(sql);
}
