import type { StageRecovery } from "../api/dead-letters.ts";
import type { DeadLetters } from "../../workers/dead-letters/object.ts";

export interface DeadLettersEnv {
  readonly DEAD_LETTERS: DurableObjectNamespace<DeadLetters>;
}

/** Gets a new stub for each call: a stub that saw the object fail answers every later call with the same failure. */
export function deadLetters(
  env: DeadLettersEnv & { readonly CHAIN_ID: string },
): DurableObjectStub<DeadLetters> {
  return env.DEAD_LETTERS.getByName(env.CHAIN_ID);
}

/** Number of entries in each state, for monitoring. */
export interface DeadLetterCounts {
  readonly open: Readonly<Record<string, number>>;
  readonly replaying: number;
  readonly resolved: number;
  readonly dismissed: number;
  /** `firstSeen` of the oldest open letter; null when no letter is open. */
  readonly oldestOpenAt: number | null;
  readonly recovering: readonly StageRecovery[];
}
