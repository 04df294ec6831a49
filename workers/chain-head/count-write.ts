import { forgetFact, readFact, writeFact } from "./facts.ts";
import type { Sql } from "./schema.ts";

/**
 * KV has no compare-and-swap: a write of `vdc:pending:count` that was not answered may still land, over a newer one. Only
 * people read the count, so a newer one does not wait for that; but the count is written once more afterwards.
 * @param within milliseconds; after them it has landed, or never will
 * @returns until when an earlier write was in doubt, for `noteCountDone`
 */
export function noteCountBegun(sql: Sql, now: number, within: number): number | undefined {
  const before = readFact(sql, "countInDoubtUntil");
  writeFact(sql, "countInDoubtUntil", now + within);
  return before !== undefined && before > now ? before : undefined;
}

/** @param before what `noteCountBegun` answered: that write is in doubt still */
export function noteCountDone(sql: Sql, before: number | undefined): void {
  if (before === undefined) forgetFact(sql, "countInDoubtUntil");
  else writeFact(sql, "countInDoubtUntil", before);
}
