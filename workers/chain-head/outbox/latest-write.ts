import { deleteValue, getValue, setValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

export interface LatestWrite {
  readonly blockNumber: number;
  /** Milliseconds since the epoch. */
  readonly landsBefore: number;
}

/**
 * Notes that a write of `vdc:latest` begins. KV has no compare-and-swap: an unanswered write may still land over a newer one. The
 * write is noted before it begins, and while it may land no other block is published (promise 5 of docs/design.md#promises).
 * @param within milliseconds after which the write has landed or never will
 */
export function noteBegun(sql: Sql, blockNumber: number, now: number, within: number): void {
  setValue(sql, "latestWrite", { blockNumber, landsBefore: now + within });
}

/**
 * Blocks publication until a write that an earlier life of the chain head began has landed or never will, whichever block it
 * names.
 */
export function noteEarlierLife(sql: Sql, now: number, within: number): void {
  noteBegun(sql, UNKNOWN_BLOCK, now, within);
}

const UNKNOWN_BLOCK = -1;

/**
 * Notes that the write was answered.
 * @param before an earlier unanswered write, which may still land
 */
export function noteDone(sql: Sql, before: LatestWrite | undefined): void {
  if (before === undefined) deleteValue(sql, "latestWrite");
  else setValue(sql, "latestWrite", before);
}

export function writeInDoubt(sql: Sql, now: number): LatestWrite | undefined {
  const write = getValue(sql, "latestWrite");
  return write !== undefined && write.landsBefore > now ? write : undefined;
}

/** When this block may be published, in milliseconds since the epoch; 0 unless a write of another block may still land. */
export function publishableFrom(sql: Sql, blockNumber: number): number {
  const write = getValue(sql, "latestWrite");
  return write === undefined || write.blockNumber === blockNumber ? 0 : write.landsBefore;
}
