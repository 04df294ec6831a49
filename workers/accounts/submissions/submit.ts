import { payloadOfSubmission, type Submission } from "../../../shared/chain/submission.ts";
import type { TransactionState } from "../../../shared/chain/states.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { paidTypes, registration, submissionWindow, type Env } from "../env.ts";
import { enqueue } from "./enqueue.ts";
import { keepUntilPaid } from "./keep-until-paid.ts";
import { countKeyWrite } from "../rate-limit.ts";
import { refuseImpossible, type SignersWish } from "./refuse-impossible.ts";
import { refusePersonal } from "./refuse-personal.ts";
import { checkSignature, checkTime } from "./submission-checks.ts";

export interface Submitted {
  readonly txId: string;
  readonly state: TransactionState | "awaiting_payment";
}

/**
 * Takes a user's signed submission. The id follows from the contents, so a repeat finds the first one and answers its state. The
 * submission is accepted only once the queue has it, or `intents/` if it must be paid first.
 * @throws Problem "invalid-user-signature", "rate-limited", "timestamp-outside-window", "personal-data",
 * "registration-needs-token", "intent-expired", "body-too-large", "queue-unavailable", and those of `refuseImpossible`
 */
export async function submit(
  submission: Submission,
  wish: SignersWish,
  env: Env,
  log: Log,
): Promise<Submitted> {
  const payload = payloadOfSubmission(env.CHAIN_ID, submission);
  const { transaction } = payload;
  await checkSignature(transaction);
  await countKeyWrite(submission.signatures.user.keyId, env, log);
  const { id: txId, type } = transaction;
  const mustBePaid = paidTypes(env).has(submission.type);
  const needsToken = type === "user_registration" && registration(env) === "token";
  const { transaction: known, intent } = await chainHead(env).whereIs(txId);
  if (known !== null) return { txId, state: known.state };
  if (intent?.state === "expired") throw expired();
  if (intent === null && needsToken) throw tokenNeeded();
  if (intent?.state === "awaiting_payment" && (mustBePaid || needsToken))
    return { txId, state: intent.state };
  // If this submission or a payment for it is already registered, accept an old timestamp, because a payment takes its time.
  // Never accept a future one.
  const now = Date.now();
  const { timestamp } = submission;
  checkTime(intent === null ? timestamp : Math.max(timestamp, now), now, submissionWindow(env));
  refusePersonal(submission);
  await refuseImpossible(transaction, env, wish);
  if (intent === null && mustBePaid) {
    const standing = await keepUntilPaid(payload, env, log);
    if (standing === "expired") throw expired();
    if (standing !== "paid") return { txId, state: standing };
  }
  await enqueue(payload, env, log);
  log.info("submission.accepted", { txId, type });
  return { txId, state: "pending" };
}

function tokenNeeded(): Problem {
  return new Problem(
    "registration-needs-token",
    "This deployment registers only users who hold an activation token. Ask its operator for one, then POST /api/activation.",
  );
}

function expired(): Problem {
  return new Problem(
    "intent-expired",
    "It was not paid in time and has been deleted: sign it anew with the present time. If a payment that names it arrives after all, send these very bytes again.",
  );
}
