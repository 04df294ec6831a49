import {
  payloadOfSubmission,
  type Submission,
  type UnsignedSubmission,
} from "../../../shared/chain/submission.ts";
import { signSubmission } from "../../../shared/client/sign-submission.ts";
import { VdcProblem } from "../../../shared/client/problem.ts";
import type { UserKeys } from "../../../shared/client/user-keys.ts";
import { FARTHEST } from "../world/clocks.ts";
import { clientOf } from "./client.ts";
import { insist } from "./insist.ts";
import type { People } from "./people.ts";

/** `kept`: the submission waits for its payment. `unknown`: VDC may have accepted it, or may still do so. */
export type Submitted = "taken" | "kept" | "refused" | "unknown";

/** A signed submission. Its sender keeps it until it is accepted, because signing again would give other bytes. */
export interface Signed {
  readonly submission: Submission;
  readonly txId: string;
}

export async function sign({ stack }: People, user: UserKeys, unsigned: UnsignedSubmission): Promise<Signed> {
  const submission = await signSubmission(stack.chainId, unsigned, user);
  return { submission, txId: payloadOfSubmission(stack.chainId, submission).transaction.id };
}

/** Sends the submission until its result is known, now and then from two devices at once. */
export async function submit(people: People, signed: Signed): Promise<Submitted> {
  const { random, errands } = people;
  if (random.chance(0.2)) errands.now(`sending ${signed.txId} twice`, () => submitOnce(people, signed));
  return submitOnce(people, signed);
}

async function submitOnce(people: People, { submission, txId }: Signed): Promise<Submitted> {
  const { stack, world, random, promised } = people;
  const client = clientOf(stack, (status) => {
    // After a clean refusal the submission must never be mined. Any other answer makes that possible.
    if (status === undefined || status < 400 || status >= 500) promised.offered(txId);
  });
  const answer = await insist(world, random, () => client.submit(submission));
  if (answer === undefined) return "unknown";
  if (answer instanceof VdcProblem) {
    world.say(`people: ${txId} is refused: ${answer.slug}`);
    // At the edge of the window, two requests or two clocks may give different and true answers.
    if (answer.slug === "timestamp-outside-window" && isNearEdge(people, submission.timestamp))
      promised.offered(txId);
    return "refused";
  }
  if (answer.state === "awaiting_payment") {
    promised.kept(txId);
    return "kept";
  }
  promised.taken(txId, submission.type);
  return "taken";
}

function isNearEdge({ world, profile }: People, timestamp: number): boolean {
  const window = Number(profile.vars.SUBMISSION_WINDOW_SECONDS) * 1_000;
  return Math.abs(Math.abs(world.now - timestamp) - window) < 2 * FARTHEST;
}
