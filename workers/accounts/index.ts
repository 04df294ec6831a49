import { WorkerEntrypoint } from "cloudflare:workers";
import type { Submission } from "../../shared/chain/submission.ts";
import { answer, json } from "../../shared/http/answer.ts";
import { outcomeOf } from "../../shared/http/outcome.ts";
import { logger } from "../../shared/log.ts";
import { logOf, type Env } from "./env.ts";
import { erase } from "./erase.ts";
import { ready } from "./ready.ts";
import { receiveDocument } from "./receive-document.ts";
import { everyTenMinutes } from "./scheduled.ts";
import { submit } from "./submit.ts";

/**
 * The gateway calls the methods, with what its plans have read, and the clock; nobody else does. A document is fetched in,
 * for its body is a stream.
 */
export default class Accounts extends WorkerEntrypoint<Env> {
  override fetch(request: Request): Promise<Response> {
    return answer(request, logger("accounts"), async (_, log) =>
      json(await receiveDocument(request, this.env, log)),
    );
  }

  override scheduled(): Promise<void> {
    return everyTenMinutes(this.env);
  }

  submit(submission: Submission, requestId: string) {
    return outcomeOf(() => submit(submission, this.env, logOf(requestId)));
  }

  /** Whether all that this Worker must be told is there and fits. */
  ready() {
    return outcomeOf(() => ready(this.env));
  }

  erase(txId: string, said: { by: string; reason: string }, requestId: string) {
    return outcomeOf(() => erase(txId, said, this.env, logOf(requestId)));
  }
}
