import { AnswerFailure } from "../answer-failure.ts";
import { CommandFailure, EXIT } from "../failure.ts";

/** What a check of `vdc doctor` found. */
export interface Finding {
  readonly check: string;
  /** unknown: it could not be checked, which is no good sign and no bad one. */
  readonly state: "good" | "bad" | "unknown";
  /** What was seen, and where it is not good, what to do. */
  readonly detail: string;
}

/** Runs a check; what it throws becomes its finding, for one that fails must not keep the rest from being made. */
export async function finding(check: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { check, state: "good", detail: await look() };
  } catch (error) {
    if (error instanceof AnswerFailure || error instanceof CommandFailure)
      return { check, state: error.exitCode === EXIT.unknown ? "unknown" : "bad", detail: error.message };
    throw error;
  }
}

export function unknown(check: string, detail: string): Finding {
  return { check, state: "unknown", detail };
}
