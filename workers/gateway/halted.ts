import * as v from "valibot";
import { Timestamp } from "../../shared/chain/transaction.ts";

/** Why mining stopped, and since when. */
export const Halted = v.strictObject({ reason: v.string(), at: Timestamp });
export type Halted = v.InferOutput<typeof Halted>;
