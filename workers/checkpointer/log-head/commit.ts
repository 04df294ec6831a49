import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { getValue, setValue, type CheckpointPair } from "./schema.ts";

/**
 * Compare-and-swaps the logs' newest checkpoints, before anything of them is published. The first notes of a size stay: a
 * checkpoint that is no larger changes nothing, and its checkpointer gets the stored one back.
 */
export function commit(sql: Sql, pair: CheckpointPair): CheckpointPair {
  const committed = getValue(sql, "committed");
  if (committed !== undefined && committed.size >= pair.size) return committed;
  setValue(sql, "committed", pair);
  return pair;
}

/** Takes the report that the committed checkpoint of this size is in R2 with its tiles. A late report changes nothing. */
export function shown(sql: Sql, size: number): void {
  const committed = getValue(sql, "committed");
  const current = getValue(sql, "shown");
  if (committed?.size === size && (current?.size ?? 0) < size) setValue(sql, "shown", committed);
}
