import { AnswerFailure } from "../answer-failure.ts";
import { CommandFailure, EXIT } from "../failure.ts";

/** What a check of `vdc doctor` found. */
export interface Finding {
  readonly check: string;
  /** warning: nothing is broken, but something should be done · unknown: it could not be checked */
  readonly state: "good" | "warning" | "bad" | "unknown";
  /** What was seen, and where it is not good, what to do. */
  readonly detail: string;
}

/** Nothing is broken, but something should be done. */
export class Warning extends CommandFailure {}

/** Runs a check; what it throws becomes its finding, for one that fails must not keep the rest from being made. */
export async function finding(check: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { check, state: "good", detail: await look() };
  } catch (error) {
    if (error instanceof Warning) return { check, state: "warning", detail: error.message };
    if (error instanceof AnswerFailure || error instanceof CommandFailure)
      return { check, state: error.exitCode === EXIT.unknown ? "unknown" : "bad", detail: error.message };
    throw error;
  }
}

export function unknown(check: string, detail: string): Finding {
  return { check, state: "unknown", detail };
}
