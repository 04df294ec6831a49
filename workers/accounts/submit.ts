import { payloadOfSubmission, type Submission } from "../../shared/chain/submission.ts";
import type { TransactionState } from "../../shared/chain/states.ts";
import { chainHead } from "../../shared/chain-head.ts";
import { Problem } from "../../shared/http/problems.ts";
import type { Log } from "../../shared/log.ts";
import { paidTypes, submissionWindow, type Env } from "./env.ts";
import { enqueue } from "./enqueue.ts";
import { keepUntilPaid } from "./keep-until-paid.ts";
import { refuseKnown } from "./refuse-known.ts";
import { refusePersonal } from "./refuse-personal.ts";
import { checkSignature, checkTime } from "./submission-checks.ts";

export interface Submitted {
  readonly txId: string;
  readonly state: TransactionState | "awaiting_payment";
}

/**
 * Takes what a user signed. The id follows from the contents, so the same submission again finds itself and is answered
 * with where it is; it is 202 only once the queue has it, or `intents/` where it has to be paid first.
 * @throws Problem "invalid-user-signature", "timestamp-outside-window", "already-exists", "personal-data", "intent-expired",
 * "body-too-large", "queue-unavailable"
 */
export async function submit(submission: Submission, env: Env, log: Log): Promise<Submitted> {
  const payload = payloadOfSubmission(env.CHAIN_ID, submission);
  const { transaction } = payload;
  await checkSignature(transaction);
  const { id: txId, type } = transaction;
  const mustBePaid = paidTypes(env).has(submission.type);
  const { transaction: known, intent } = await chainHead(env).whereIs(txId);
  if (known !== null) return { txId, state: known.state };
  if (intent?.state === "expired") throw expired();
  if (intent?.state === "awaiting_payment" && mustBePaid) return { txId, state: intent.state };
  // What is waited for may be old, never of the future: a payment takes its time, and so does who hears of one that came late.
  const now = Date.now();
  const { timestamp } = submission;
  checkTime(intent === null ? timestamp : Math.max(timestamp, now), now, submissionWindow(env));
  refusePersonal(submission);
  await refuseKnown(transaction, env);
  if (intent === null && mustBePaid) {
    const standing = await keepUntilPaid(payload, env, log);
    if (standing === "expired") throw expired();
    if (standing !== "paid") return { txId, state: standing };
  }
  await enqueue(payload, env, log);
  log.info("submission.accepted", { txId, type });
  return { txId, state: "pending" };
}

function expired(): Problem {
  return new Problem(
    "intent-expired",
    "It was not paid in time and has been deleted: sign it anew with the present time. If a payment that names it arrives after all, send these very bytes again.",
  );
}
