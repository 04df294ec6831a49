import { lastBlock } from "./blocks.ts";
import { readFact, writeFact } from "./facts.ts";
import { haltUntilRestored } from "./halt.ts";
import { lifeOf } from "./life.ts";
import type { Sql } from "./schema.ts";

/** What says that a chain has been here before: something in the archive (R2), or in KV. `life`: the one that asked for it. */
export interface Traces {
  readonly life: string;
  readonly archive: boolean;
  readonly kv: boolean;
}

/** A chain head without a block may begin a chain only where none has been: its own storage may just have been lost. */
export function isFounded(sql: Sql): boolean {
  return lastBlock(sql) !== undefined || readFact(sql, "founded") !== undefined;
}

/**
 * Decides, before the first block, whether a chain begins here. Where storage holds one already, a second genesis would
 * be a fork: the chain is halted until it has been restored. A Worker that looked for a chain during an earlier life may have
 * looked before that life stored its first block, so its finding counts for nothing.
 */
export function found(sql: Sql, traces: Traces, now: number): void {
  if (traces.life !== lifeOf(sql) || isFounded(sql) || readFact(sql, "restoring")) return;
  const places = [traces.archive && "R2", traces.kv && "KV"].filter((place) => place !== false);
  if (places.length === 0) writeFact(sql, "founded", now);
  else
    haltUntilRestored(
      sql,
      `the chain head knows no block, but ${places.join(" and ")} hold a chain: its storage was lost, or CHAIN_ID is new. ` +
        "Restore it from them (vdc restore), or give a new chain a bucket and a namespace of its own",
      now,
    );
}
