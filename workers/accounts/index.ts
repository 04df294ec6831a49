import { WorkerEntrypoint } from "cloudflare:workers";
import type { Submission } from "../../shared/chain/submission.ts";
import { outcomeOf } from "../../shared/http/outcome.ts";
import { logOf, type Env } from "./env.ts";
import { erase } from "./erase.ts";
import { everyTenMinutes } from "./scheduled.ts";
import { submit } from "./submit.ts";

/** The gateway calls the methods, with what its plans have read, and the clock; nobody else does. */
export default class Accounts extends WorkerEntrypoint<Env> {
  override scheduled(): Promise<void> {
    return everyTenMinutes(this.env);
  }

  submit(submission: Submission, requestId: string) {
    return outcomeOf(() => submit(submission, this.env, logOf(requestId)));
  }

  erase(txId: string, said: { by: string; reason: string }, requestId: string) {
    return outcomeOf(() => erase(txId, said, this.env, logOf(requestId)));
  }
}
