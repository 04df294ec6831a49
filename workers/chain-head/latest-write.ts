import { forgetFact, readFact, writeFact } from "./facts.ts";
import type { Sql } from "./schema.ts";

export interface LatestWrite {
  readonly blockNumber: number;
  /** Milliseconds since the epoch. */
  readonly landsBefore: number;
}

/**
 * KV has no compare-and-swap: a write of `vdc:latest` that was begun and is not known to be done may still land, over a
 * newer one. So it is noted before it begins, and while it may land no other block is published (promise 5 of docs/design.md#promises).
 * @param within milliseconds; after them it has landed, or never will
 */
export function noteBegun(sql: Sql, blockNumber: number, now: number, within: number): void {
  writeFact(sql, "latestWrite", { blockNumber, landsBefore: now + within });
}

/** A write that an earlier life of the chain head began may still land, whatever block it names: nothing is published before. */
export function noteEarlierLife(sql: Sql, now: number, within: number): void {
  noteBegun(sql, UNKNOWN_BLOCK, now, within);
}

const UNKNOWN_BLOCK = -1;

/** @param before the write that was in doubt when this one began: it still is */
export function noteDone(sql: Sql, before: LatestWrite | undefined): void {
  if (before === undefined) forgetFact(sql, "latestWrite");
  else writeFact(sql, "latestWrite", before);
}

export function writeInDoubt(sql: Sql, now: number): LatestWrite | undefined {
  const write = readFact(sql, "latestWrite");
  return write !== undefined && write.landsBefore > now ? write : undefined;
}

/** When this block may be published, milliseconds since the epoch: at once, unless a write of another one may still land. */
export function publishableFrom(sql: Sql, blockNumber: number): number {
  const write = readFact(sql, "latestWrite");
  return write === undefined || write.blockNumber === blockNumber ? 0 : write.landsBefore;
}
