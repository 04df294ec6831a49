import { forgetFact, readFact, writeFact } from "./facts.ts";
import type { Sql } from "./schema.ts";

/** Milliseconds after its beginning at which a write of KV has landed, or never will. */
const LANDS_WITHIN = 90_000;

/**
 * KV has no compare-and-swap: a write of `vdc:latest` that was begun and never answered may still land, over a newer one.
 * So it is noted before it begins, and while it may land no other block is published (DESIGN §1, promise 5).
 */
export function noteBegun(sql: Sql, blockNumber: number, now: number): void {
  writeFact(sql, "latestWrite", { blockNumber, landsBefore: now + LANDS_WITHIN });
}

/** It has answered: done or refused, it is over. @param before what was noted when it began: the same block's write may be due still */
export function noteEnded(sql: Sql, before: LatestWrite | undefined): void {
  if (before === undefined) forgetFact(sql, "latestWrite");
  else writeFact(sql, "latestWrite", before);
}

export function unansweredWrite(sql: Sql, now: number): LatestWrite | undefined {
  const write = readFact(sql, "latestWrite");
  return write !== undefined && write.landsBefore > now ? write : undefined;
}

/** When this block may be published: at once, unless a write of another one may still land. */
export function publishableFrom(sql: Sql, blockNumber: number): number {
  const write = readFact(sql, "latestWrite");
  return write === undefined || write.blockNumber === blockNumber ? 0 : write.landsBefore;
}

export interface LatestWrite {
  readonly blockNumber: number;
  /** Milliseconds since the epoch. */
  readonly landsBefore: number;
}
