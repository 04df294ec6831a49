import { deleteValue, getValue, setValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

/**
 * Notes that a write of `vdc:pending:count` begins. KV has no compare-and-swap: an unanswered write may still land over a newer
 * one. Only people read the count, so a newer write does not wait. Once the unanswered write has landed or never will, the chain
 * head writes the count again.
 * @param within milliseconds after which the write has landed or never will
 * @returns until when an earlier write is in doubt, for `noteCountDone`
 */
export function noteCountBegun(sql: Sql, now: number, within: number): number | undefined {
  const before = getValue(sql, "countInDoubtUntil");
  setValue(sql, "countInDoubtUntil", now + within);
  return before !== undefined && before > now ? before : undefined;
}

/**
 * Notes that the write was answered.
 * @param before the answer of `noteCountBegun`: that earlier write is still in doubt
 */
export function noteCountDone(sql: Sql, before: number | undefined): void {
  if (before === undefined) deleteValue(sql, "countInDoubtUntil");
  else setValue(sql, "countInDoubtUntil", before);
}

/** Schedules another write of the count, because a write that an earlier life of the chain head began may still land. */
export function noteCountOfEarlierLife(sql: Sql, now: number, within: number): void {
  setValue(sql, "countInDoubtUntil", now + within);
}
