import { payloadOfSubmission, type Submission } from "../../../shared/chain/submission.ts";
import type { Submitted } from "../../../shared/api/submissions.ts";
import type { PendingPayload } from "../../../shared/chain/transaction.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { paidTypes, registration, submissionWindow, type Env } from "../env.ts";
import type { IntentState } from "../../chain-head/decisions/intents.ts";
import { decideSubmission, type SubmissionFacts, type SubmissionOutcome } from "./decide.ts";
import { enqueue } from "./enqueue.ts";
import { keepUntilPaid } from "./keep-until-paid.ts";
import { countKeyWrite } from "../rate-limit.ts";
import { refuseImpossible, type SignersWish } from "./refuse-impossible.ts";
import { refusePersonal } from "./refuse-personal.ts";
import { checkSignature, checkTime } from "./submission-checks.ts";

export type TakenSubmission = Omit<Submitted, "statusUrl">;

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
): Promise<TakenSubmission> {
  const payload = payloadOfSubmission(env.CHAIN_ID, submission);
  const { transaction } = payload;
  await checkSignature(transaction);
  await countKeyWrite(submission.signatures.user.keyId, env, log);
  const { id: txId, type } = transaction;
  const rules = {
    mustBePaid: paidTypes(env).has(submission.type),
    needsToken: type === "user_registration" && registration(env) === "token",
  };
  const { transaction: known, intent } = await chainHead(env).whereIs(txId);
  const facts = { known: known?.state ?? null, intent: intent?.state ?? null, ...rules };
  const outcome = decideSubmission(facts);
  if (outcome.do === "keep" || outcome.do === "enqueue") {
    checkTimeOf(submission, facts, env);
    refusePersonal(submission);
    await refuseImpossible(transaction, env, wish);
  }
  return act(outcome, payload, rules, env, log);
}

/**
 * If this submission or a payment for it is already registered, accepts an old timestamp, because a payment takes its time.
 * Never accepts a future one.
 */
function checkTimeOf({ timestamp }: Submission, { intent }: SubmissionFacts, env: Env): void {
  const now = Date.now();
  checkTime(intent === null ? timestamp : Math.max(timestamp, now), now, submissionWindow(env));
}

async function act(
  outcome: SubmissionOutcome,
  payload: PendingPayload,
  rules: Pick<SubmissionFacts, "mustBePaid" | "needsToken">,
  env: Env,
  log: Log,
): Promise<TakenSubmission> {
  const { id: txId, type } = payload.transaction;
  switch (outcome.do) {
    case "answer":
      return { txId, state: outcome.state };
    case "refuse":
      throw new Problem(outcome.problem, REFUSALS[outcome.problem]);
    case "keep": {
      const kept = factsOfIntent(await keepUntilPaid(payload, env, log));
      return act(decideSubmission({ ...kept, ...rules }), payload, rules, env, log);
    }
    case "enqueue":
      await enqueue(payload, env, log);
      log.info("submission.accepted", { txId, type });
      return { txId, state: "pending" };
    default:
      return outcome satisfies never;
  }
}

function factsOfIntent(standing: IntentState): Pick<SubmissionFacts, "known" | "intent"> {
  switch (standing) {
    case "awaiting_payment":
    case "expired":
    case "paid":
      return { known: null, intent: standing };
    default:
      return { known: standing, intent: null };
  }
}

const REFUSALS = {
  "registration-needs-token":
    "This deployment registers only users who hold an activation token. Ask its operator for one, then POST /api/activation.",
  "intent-expired":
    "It was not paid in time and has been deleted: sign it anew with the present time. If a payment that names it arrives after all, send these very bytes again.",
} as const;
