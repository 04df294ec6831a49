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

/** `kept`: it waits for its payment. `unknown`: it may have been taken, or may yet be. */
export type Submitted = "taken" | "kept" | "refused" | "unknown";

/** What was signed, and is kept until it is taken: signing again would give other bytes. */
export interface Signed {
  readonly submission: Submission;
  readonly txId: string;
}

export async function sign({ stack }: People, user: UserKeys, unsigned: UnsignedSubmission): Promise<Signed> {
  const submission = await signSubmission(stack.chainId, unsigned, user);
  return { submission, txId: payloadOfSubmission(stack.chainId, submission).transaction.id };
}

/** Sends it until something is known, now and then from two devices at once. */
export async function submit(people: People, signed: Signed): Promise<Submitted> {
  const { random, errands } = people;
  if (random.chance(0.2)) errands.now(`sending ${signed.txId} twice`, () => submitOnce(people, signed));
  return submitOnce(people, signed);
}

async function submitOnce(people: People, { submission, txId }: Signed): Promise<Submitted> {
  const { stack, world, random, promised } = people;
  const client = clientOf(stack, (status) => {
    // A clean refusal is a promise too: nothing of it is ever mined.
    if (status === undefined || status < 400 || status >= 500) promised.offered(txId);
  });
  const answer = await insist(world, random, () => client.submit(submission));
  if (answer === undefined) return "unknown";
  if (answer instanceof VdcProblem) {
    world.say(`people: ${txId} is refused: ${answer.slug}`);
    // Asked twice at the edge of the window, or by two clocks, both answers may be true.
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
