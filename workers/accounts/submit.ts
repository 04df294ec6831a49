import { payloadOfSubmission, type Submission } from "../../shared/chain/submission.ts";
import { verifyUserSignature } from "../../shared/chain/user-signature.ts";
import { chainHead } from "../../shared/chain-head.ts";
import { Problem } from "../../shared/http/problems.ts";
import type { Log } from "../../shared/log.ts";
import { submissionWindow, type Env } from "./env.ts";
import { enqueue } from "./enqueue.ts";
import { refuseKnown } from "./refuse-known.ts";

export interface Submitted {
  readonly txId: string;
  readonly state: "pending" | "reserved" | "mined" | "set_aside";
}

/**
 * Takes what a user signed. The id follows from the contents, so the same submission again finds itself and is answered
 * with where it is; it is 202 only once the queue has it.
 * @throws Problem "invalid-user-signature", "already-exists", "timestamp-outside-window", "body-too-large", "queue-unavailable"
 */
export async function submit(submission: Submission, env: Env, log: Log): Promise<Submitted> {
  const payload = payloadOfSubmission(env.CHAIN_ID, submission);
  const { transaction } = payload;
  if (!(await verifyUserSignature(transaction)))
    throw new Problem(
      "invalid-user-signature",
      "The signature is not that of the key it names over this transaction: sign what docs/format.md says, for this chain.",
    );
  const known = await chainHead(env).transaction(transaction.id);
  if (known !== null) return { txId: transaction.id, state: known.state };
  await refuseKnown(transaction, env);
  checkTime(submission.timestamp, Date.now(), submissionWindow(env));
  await enqueue(payload, env, log);
  log.info("submission.accepted", { txId: transaction.id, type: transaction.type });
  return { txId: transaction.id, state: "pending" };
}

/** @throws Problem "timestamp-outside-window" */
export function checkTime(timestamp: number, now: number, windowSeconds: number): void {
  if (Math.abs(now - timestamp) <= windowSeconds * 1_000) return;
  throw new Problem(
    "timestamp-outside-window",
    `The timestamp is more than ${windowSeconds} seconds from our clock: sign it anew with the present time.`,
    { members: { now, windowSeconds } },
  );
}
