import { keyValuesOf } from "../../shared/durable-object/key-values.ts";

/** Key values of the dead-letter store, each with its type. Times are milliseconds since the epoch. */
export interface DeadLetterValues {
  /** R2's records are being read into a new storage; the next page begins here. Absent when all are read. */
  reindex: { cursor: string | null };
  /** When the running replay may send again. */
  replayDue: number;
  /** When the chain head was last asked which work is done. */
  checkedAt: number;
  /** After a failure outside, nothing is tried before this time. */
  pausedUntil: number;
}

export const { getValue, setValue, deleteValue } = keyValuesOf<DeadLetterValues>();
