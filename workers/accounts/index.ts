import { WorkerEntrypoint } from "cloudflare:workers";
import type { ActivationRequest } from "../../shared/api/activation.ts";
import type { Submission } from "../../shared/chain/submission.ts";
import { answer } from "../../shared/http/answer.ts";
import { rpcResult } from "../../shared/http/rpc-result.ts";
import { logger } from "../../shared/runtime/log.ts";
import type { UserMetadataRecord } from "../../shared/chain/user-metadata.ts";
import { activate } from "./activation/activate.ts";
import { logOf, type Env } from "./env.ts";
import { erase } from "./erase.ts";
import { issueToken, type TokenOrder } from "./activation/issue-token.ts";
import { replaceMetadata } from "./metadata/metadata.ts";
import { ready } from "./ready.ts";
import { receiveDocument } from "./documents/receive-document.ts";
import type { SignersWish } from "./submissions/refuse-impossible.ts";
import { everyTenMinutes } from "./scheduled.ts";
import { submit } from "./submissions/submit.ts";

export { UserMetadata } from "./metadata/user-metadata.ts";

/**
 * Only the gateway calls the methods, with input that its plans have read, and the cron calls `scheduled`. A document comes
 * through `fetch`, because its body is a stream.
 */
export default class Accounts extends WorkerEntrypoint<Env> {
  override fetch(request: Request): Promise<Response> {
    return answer(request, logger("accounts"), (_, log) => receiveDocument(request, this.env, log));
  }

  override scheduled(): Promise<void> {
    return everyTenMinutes(this.env);
  }

  submit(submission: Submission, wish: SignersWish, requestId: string) {
    return rpcResult(() => submit(submission, wish, this.env, logOf(requestId)));
  }

  issueToken(order: TokenOrder, requestId: string) {
    return rpcResult(() => issueToken(order, this.env, logOf(requestId)));
  }

  activate(request: ActivationRequest, requestId: string) {
    return rpcResult(() => activate(request, this.env, logOf(requestId)));
  }

  replaceMetadata(record: UserMetadataRecord, requestId: string) {
    return rpcResult(() => replaceMetadata(record, this.env, logOf(requestId)));
  }

  /** Checks that every setting of this Worker is present and valid. */
  ready() {
    return rpcResult(() => ready(this.env));
  }

  erase(txId: string, actor: { by: string; reason: string }, requestId: string) {
    return rpcResult(() => erase(txId, actor, this.env, logOf(requestId)));
  }
}
