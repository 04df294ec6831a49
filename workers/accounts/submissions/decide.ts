import type { TransactionState } from "../../../shared/chain/states.ts";
import type { IntentFacts } from "../../chain-head/reads/intents.ts";

export interface SubmissionFacts {
  /** State of the admitted transaction; null: the chain head has not admitted it. */
  readonly known: TransactionState | null;
  /** State of the registered submission, or of a payment for it; null: neither is registered. */
  readonly intent: IntentFacts["state"] | null;
  /** Its type is one that must be paid for. */
  readonly mustBePaid: boolean;
  /** It registers a user where only a holder of an activation token may do so. */
  readonly needsToken: boolean;
}

/** answer: nothing is done · keep: it waits in `intents/` for its payment · enqueue: it goes to the pipeline. */
export type SubmissionOutcome =
  | { readonly do: "answer"; readonly state: TransactionState | "awaiting_payment" }
  | { readonly do: "refuse"; readonly problem: "intent-expired" | "registration-needs-token" }
  | { readonly do: "keep" }
  | { readonly do: "enqueue" };

/** Decides what happens to a submission whose signature verifies. The other checks follow unless it is only answered or refused. */
export function decideSubmission({
  known,
  intent,
  mustBePaid,
  needsToken,
}: SubmissionFacts): SubmissionOutcome {
  if (known !== null) return { do: "answer", state: known };
  switch (intent) {
    case "expired":
      return { do: "refuse", problem: "intent-expired" };
    case "awaiting_payment":
      return mustBePaid || needsToken ? { do: "answer", state: intent } : { do: "enqueue" };
    case "paid":
    case "awaiting_submission":
      return { do: "enqueue" };
    case null:
      if (needsToken) return { do: "refuse", problem: "registration-needs-token" };
      return mustBePaid ? { do: "keep" } : { do: "enqueue" };
    default:
      return intent satisfies never;
  }
}
