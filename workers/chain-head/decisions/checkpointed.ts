import { getValue, setValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

/**
 * Takes the checkpointer's report that the published checkpoint covers this number of blocks. A late report of a smaller one
 * changes nothing. If published blocks are left, the checkpointer gets its next message at once.
 */
export function checkpointed(sql: Sql, size: number, now: number): void {
  if (size <= (getValue(sql, "checkpointed") ?? 0)) return;
  setValue(sql, "checkpointed", size);
  makeCheckpointDue(sql, now);
}

/** Makes the checkpointer due for a message, because it moved on or has something new to cover. */
export function makeCheckpointDue(sql: Sql, now: number): void {
  setValue(sql, "checkpointDueAt", now);
  setValue(sql, "checkpointNudges", 0);
}
