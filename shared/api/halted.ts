import * as v from "valibot";
import { Timestamp } from "../chain/transaction.ts";

/** Why the chain is halted, since when, and which command ends the halt. */
export const Halted = v.strictObject({
  reason: v.string(),
  at: Timestamp,
  endsWith: v.picklist(["resume", "restore"]),
});
export type Halted = v.InferOutput<typeof Halted>;
