import { InvalidBlock } from "../chain/block.ts";
import { InvalidTimestamp } from "../timestamp/invalid-timestamp.ts";
import { InvalidLog } from "../tlog/invalid-log.ts";
import { Refused, type Because, type Report, type Source, type Step, type StepName } from "./report.ts";
import { notProvedBy, provedBy } from "./words.ts";

/** The end of a step that does not fail. */
export type Outcome = string | { readonly state: "not_checked" | "could_not_check"; readonly detail: string };

/** Runs named steps in order. After the first failure no step runs, because later steps use what earlier ones proved. */
export class Steps {
  readonly #steps: Step[] = [];
  #because: Because | undefined;

  /**
   * Runs a step, unless an earlier one failed.
   * @param check returns the detail of a passed step, or why it was not checked; throws `Refused`, `InvalidBlock`,
   *   `InvalidLog` or `InvalidTimestamp` when the step fails
   */
  async run(name: StepName, source: Source, check: () => Outcome | Promise<Outcome>): Promise<void> {
    if (this.#because !== undefined) {
      const detail = `the step ${this.#because.step} failed before it`;
      this.#steps.push({ name, state: "not_checked", source, detail });
      return;
    }
    try {
      const outcome = await check();
      this.#steps.push(
        typeof outcome === "string"
          ? { name, state: "passed", source, detail: outcome }
          : { name, source, ...outcome },
      );
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#because = { step: name, fault: faultOf(error), detail };
      this.#steps.push({ name, state: "failed", source, detail });
    }
  }

  /**
   * @param required steps without which nothing counts as verified
   */
  report(required: readonly StepName[]): Report {
    const steps = [...this.#steps];
    const because = this.#because;
    const passed = steps.flatMap(({ name, state }) => (state === "passed" ? [name] : []));
    const isComplete = required.every((name) => passed.includes(name));
    return {
      verdict: because !== undefined ? "failed" : isComplete ? "verified" : "incomplete",
      steps,
      proved: because === undefined ? provedBy(passed) : [],
      notProved: notProvedBy(passed, steps),
      ...(because !== undefined && { because }),
    };
  }
}

/** @throws the error itself when it is not a verifier's refusal */
function faultOf(error: unknown): string {
  if (error instanceof Refused || error instanceof InvalidBlock || error instanceof InvalidLog)
    return error.fault;
  if (error instanceof InvalidTimestamp) return error.reason;
  throw error;
}
