import { logHead } from "../../../shared/objects/log-head.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { LogFacts } from "../../checkpointer/log-head/log-head.ts";
import type { CheckpointPair } from "../../checkpointer/log-head/schema.ts";
import type { Env } from "../env.ts";

/** An authority's newest time stamp, whose token is in R2. */
export interface Stamp {
  readonly authority: string;
  /** Number of blocks of the stamped checkpoint. */
  readonly size: number;
}

/** The logs as the gateway shows them. */
export interface LogState extends LogFacts {
  /** The newest pair that reached the quorum; null without witnesses. */
  readonly cosigned: CheckpointPair | null;
  readonly policy: string | null;
  readonly stamps: readonly Stamp[];
}

/** Reads the logs' state. A log head without witnesses and time stamps has none of them. */
export async function logState(env: Env): Promise<LogState> {
  const facts = (await logHead(env).facts()) as unknown as LogFacts; // the stub's type turns tuples into arrays
  return { cosigned: null, policy: null, stamps: [], ...facts };
}

/** @throws Problem "not-found" before the first checkpoint */
export async function shownPair(env: Env): Promise<CheckpointPair> {
  const { shown } = await logState(env);
  if (shown === null)
    throw new Problem("not-found", "The log has no checkpoint yet. A mined block gets one at once.");
  return shown;
}
