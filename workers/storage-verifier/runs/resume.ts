import { chainHead } from "../../../shared/objects/chain-head.ts";
import { storageRuns, type Env } from "../env.ts";
import { enqueueNext } from "./enqueue-next.ts";

/** Resumes an aborted or failed run where it stopped. A restore is resumed only while the chain head has no chain. */
export async function resumeRun(id: string, env: Env) {
  const run = await storageRuns(env).find(id);
  // Resuming a restore would end an active verification, so it must not happen while the chain head has its chain.
  if (run?.kind === "restore" && (await chainHead(env).beginRestore()) === null) return { ended: run };
  const answer = await storageRuns(env).resume(id);
  if (answer !== null && "started" in answer) await enqueueNext(answer.started, env);
  return answer;
}
