import { logHead } from "../../../shared/objects/log-head.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { LogFacts } from "../../checkpointer/log-head/log-head.ts";
import type { CheckpointPair } from "../../checkpointer/log-head/schema.ts";
import type { Env } from "../env.ts";

/** Reads the state of the logs. */
export async function logState(env: Env): Promise<LogFacts> {
  return logHead(env).facts();
}

/** @throws Problem "not-found" before the first checkpoint */
export async function shownPair(env: Env): Promise<CheckpointPair> {
  const { shown } = await logState(env);
  if (shown === null)
    throw new Problem("not-found", "The log has no checkpoint yet. A mined block gets one at once.");
  return shown;
}
