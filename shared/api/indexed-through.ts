import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { Timestamp } from "../chain/transaction.ts";

/**
 * How far the index is complete: the value of `vdc:indexed` in KV, and a member of every answer about the chain, so that "empty"
 * is not taken for "absent".
 */
export const IndexedThrough = v.strictObject({
  blockNumber: v.pipe(BlockNumber, v.description("This block and all before it are in the index")),
  at: v.pipe(Timestamp, v.description("The time from which on this holds")),
});
export type IndexedThrough = v.InferOutput<typeof IndexedThrough>;

/** The member of an answer. */
export const CLAIM = {
  indexedThrough: v.pipe(
    v.nullable(IndexedThrough),
    v.description(
      "How far the index holds every transaction; null: nothing is claimed. Later blocks may be in it too",
    ),
  ),
};

/** Reads the value of `vdc:indexed`. A missing or damaged value claims nothing. */
export function readClaim(value: unknown): IndexedThrough | null {
  return v.is(IndexedThrough, value) ? value : null;
}
