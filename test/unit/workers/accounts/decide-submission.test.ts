import { describe, expect, it } from "vitest";
import type { TransactionState } from "../../../../shared/chain/states.ts";
import {
  decideSubmission,
  type SubmissionFacts,
  type SubmissionOutcome,
} from "../../../../workers/accounts/submissions/decide.ts";

const STATES: readonly TransactionState[] = ["pending", "reserved", "mined", "set_aside"];
const EXPIRED: SubmissionOutcome = { do: "refuse", problem: "intent-expired" };
const TOKEN: SubmissionOutcome = { do: "refuse", problem: "registration-needs-token" };
const WAITS: SubmissionOutcome = { do: "answer", state: "awaiting_payment" };
const KEEP: SubmissionOutcome = { do: "keep" };
const ENQUEUE: SubmissionOutcome = { do: "enqueue" };

/** The outcomes of a submission that is not admitted: free, paid for, by token, both of these. */
const TABLE: Record<NonNullable<SubmissionFacts["intent"]> | "none", readonly SubmissionOutcome[]> = {
  none: [ENQUEUE, KEEP, TOKEN, TOKEN],
  awaiting_payment: [ENQUEUE, WAITS, WAITS, WAITS],
  expired: [EXPIRED, EXPIRED, EXPIRED, EXPIRED],
  paid: [ENQUEUE, ENQUEUE, ENQUEUE, ENQUEUE],
  awaiting_submission: [ENQUEUE, ENQUEUE, ENQUEUE, ENQUEUE],
};

const RULES = [
  { mustBePaid: false, needsToken: false },
  { mustBePaid: true, needsToken: false },
  { mustBePaid: false, needsToken: true },
  { mustBePaid: true, needsToken: true },
];

const INTENTS = Object.keys(TABLE) as (keyof typeof TABLE)[];
const intentOf = (name: keyof typeof TABLE) => (name === "none" ? null : name);

describe("the decision about a submission", () => {
  it.for(INTENTS)("follows the table where its intent is %s", (name) => {
    const outcomes = RULES.map((rules) =>
      decideSubmission({ known: null, intent: intentOf(name), ...rules }),
    );
    expect(outcomes).toEqual(TABLE[name]);
  });

  it.for(STATES)("is its state once it is admitted, whatever else there is: %s", (state) => {
    for (const name of INTENTS)
      for (const rules of RULES)
        expect(decideSubmission({ known: state, intent: intentOf(name), ...rules })).toEqual({
          do: "answer",
          state,
        });
  });
});
