import { AnswerFailure } from "../http/answer-failure.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";

/** A finding of `vdc doctor`. */
export interface Finding {
  readonly check: string;
  /** warning: nothing is broken, but the operator should act · unknown: the check could not run */
  readonly state: "good" | "warning" | "bad" | "unknown";
  /** The observation, and, unless it is good, what to do. */
  readonly detail: string;
}

/** Nothing is broken, but the operator should act. */
export class Warning extends CommandFailure {}

/** Runs a check. An error becomes its finding, so that the other checks still run. */
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
