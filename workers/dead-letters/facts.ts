import { factsOf } from "../../shared/facts.ts";

/** Single values of the dead letters, each with its type. */
export interface Facts {
  /** R2's records are being read into a new storage: where the next page begins. Gone when all are. */
  reindex: { cursor: string | null };
  /** When the running replay may send again. */
  replayDue: number;
  /** When the chain head was last asked what was done meanwhile. */
  checkedAt: number;
  /** After a failure outside, nothing is tried again before this. */
  pausedUntil: number;
}

export const { readFact, writeFact, forgetFact } = factsOf<Facts>();
