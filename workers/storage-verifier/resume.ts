import { chainHead } from "../../shared/chain-head.ts";
import { storageRuns, type Env } from "./env.ts";
import { tellNext } from "./tell.ts";

/** Lets an aborted or failed run go on where it stopped. A restore goes on only while the chain head has no chain. */
export async function resumeRun(id: string, env: Env) {
  const run = await storageRuns(env).find(id);
  // A restore ends an active verification, which must go on while the chain head has its chain.
  if (run?.kind === "restore" && (await chainHead(env).beginRestore()) === null) return { ended: run };
  const answer = await storageRuns(env).resume(id);
  if (answer !== null && "started" in answer) await tellNext(answer.started, env);
  return answer;
}
