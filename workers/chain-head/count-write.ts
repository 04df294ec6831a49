import { forgetFact, readFact, writeFact } from "./facts.ts";
import type { Sql } from "./schema.ts";

/**
 * KV has no compare-and-swap: an unanswered write of `vdc:pending:count` may still land over a newer one. Only people read the
 * count, so a newer write does not wait. Once the unanswered write has landed or never will, the chain head writes the count again.
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

/** A write of the count that an earlier life of the chain head began may still land, so the count is written again after that. */
export function noteCountOfEarlierLife(sql: Sql, now: number, within: number): void {
  writeFact(sql, "countInDoubtUntil", now + within);
}
