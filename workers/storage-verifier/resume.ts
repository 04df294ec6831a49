import { storageRuns, type Env } from "./env.ts";
import { tellNext } from "./tell.ts";

/** Lets an aborted or failed run go on where it stopped. */
export async function resumeRun(id: string, env: Env) {
  const answer = await storageRuns(env).resume(id);
  if (answer !== null && "started" in answer) await tellNext(answer.started, env);
  return answer;
}
