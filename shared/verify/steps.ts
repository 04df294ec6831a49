import { InvalidBlock } from "../chain/block.ts";
import { InvalidTimestamp } from "../timestamp/invalid-timestamp.ts";
import { InvalidLog } from "../tlog/invalid-log.ts";
import { Refused, type Because, type Report, type Source, type Step, type StepName } from "./report.ts";
import { notProvedBy, provedBy } from "./words.ts";

/** The end of a step that does not fail. */
export type Outcome = string | { readonly state: "not_checked" | "could_not_check"; readonly detail: string };

/** A passed step that hands a value to later steps. */
export interface Found<Value> {
  readonly value: Value;
  readonly detail: string;
}

/** Runs named steps in order. After the first failure no step runs, because later steps use what earlier ones proved. */
export class Steps {
  readonly #steps: Step[] = [];
  #because: Because | undefined;

  /**
   * Runs a step, unless an earlier one failed.
   * @param check returns the detail of a passed step, or why it was not checked; throws `Refused`, `InvalidBlock`,
   *   `InvalidLog` or `InvalidTimestamp` when the step fails
   */
  async run<Value = undefined>(
    name: StepName,
    source: Source,
    check: () => Outcome | Found<Value> | Promise<Outcome | Found<Value>>,
  ): Promise<Value | undefined> {
    if (this.#because !== undefined) {
      const detail = `the step ${this.#because.step} failed before it`;
      this.#steps.push({ name, state: "not_checked", source, detail });
      return undefined;
    }
    try {
      const outcome = await check();
      if (typeof outcome === "string") this.#steps.push({ name, state: "passed", source, detail: outcome });
      else if ("state" in outcome) this.#steps.push({ name, source, ...outcome });
      else {
        this.#steps.push({ name, state: "passed", source, detail: outcome.detail });
        return outcome.value;
      }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#because = { step: name, fault: faultOf(error), detail };
      this.#steps.push({ name, state: "failed", source, detail });
    }
    return undefined;
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
