import * as v from "valibot";
import { LogEndorsement } from "../../shared/tlog/endorsement.ts";
import { MAX_NOTE_BYTES } from "../../shared/tlog/note.ts";
import type { ChainState } from "../chain/state.ts";
import { CommandFailure } from "../output/failure.ts";

const Size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Note = v.pipe(v.string(), v.maxLength(MAX_NOTE_BYTES));

/** The newest checkpoints that verified, with the keys that signed them. */
const Remembered = v.strictObject({
  /** Number of blocks. */
  size: Size,
  /** Number of transactions. */
  entries: Size,
  blocks: Note,
  transactions: Note,
  endorsement: LogEndorsement,
});
export type Remembered = v.InferOutput<typeof Remembered>;

/** The monitor keeps this between its visits, beside the verified chain. */
const LogMemory = v.strictObject({
  newest: v.nullable(Remembered),
  /** Since when, in milliseconds by this machine's clock, published blocks have waited for a larger checkpoint. */
  waitingSince: v.nullable(Size),
});
export type LogMemory = v.InferOutput<typeof LogMemory>;

/** @throws CommandFailure when the state holds something else */
export function logMemoryOf(state: Pick<ChainState, "logMemory">): LogMemory {
  if (state.logMemory === undefined) return { newest: null, waitingSince: null };
  const parsed = v.safeParse(LogMemory, state.logMemory);
  if (!parsed.success)
    throw new CommandFailure(
      "the state holds no checkpoints that this version can read: it is damaged. Keep it as evidence, and begin anew with another file",
    );
  return parsed.output;
}
