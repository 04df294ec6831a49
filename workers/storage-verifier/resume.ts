import { storageRuns, type Env } from "./env.ts";

/** Lets an aborted or failed run go on where it stopped. */
export async function resumeRun(id: string, env: Env) {
  const answer = await storageRuns(env).resume(id);
  if (answer !== null && "started" in answer)
    await env.STORAGE_VERIFIER_QUEUE.send({ v: 1, kind: "chunk", runId: id, from: answer.started.next });
  return answer;
}
