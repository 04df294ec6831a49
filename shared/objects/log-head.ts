import type { LogHead } from "../../workers/checkpointer/log-head/log-head.ts";

export interface LogHeadEnv {
  readonly LOG_HEAD: DurableObjectNamespace<LogHead>;
  readonly CHAIN_ID: string;
}

/** Gets a new stub for each call: a stub that saw the object fail answers every later call with the same failure. */
export function logHead(env: LogHeadEnv): DurableObjectStub<LogHead> {
  return env.LOG_HEAD.getByName(env.CHAIN_ID);
}
