import { styleText } from "node:util";

/** Prints each step of the demo, with its duration. */
export class Story {
  readonly #started = performance.now();

  title(text: string): void {
    console.log(`\n${styleText("bold", text)}`);
  }

  say(text: string): void {
    console.log(`  ${text}`);
  }

  /** Runs a step and prints its outcome in one line. @throws the step's error, after printing that the step failed */
  async step<T>(what: string, work: () => Promise<T>, outcome: (result: T) => string = () => ""): Promise<T> {
    const started = performance.now();
    try {
      const result = await work();
      const detail = outcome(result);
      console.log(
        `  ${styleText("green", "✓")} ${what}${detail === "" ? "" : `: ${detail}`} ${styleText("dim", milliseconds(started))}`,
      );
      return result;
    } catch (error) {
      console.log(`  ${styleText("red", "✗")} ${what} ${styleText("dim", milliseconds(started))}`);
      throw error;
    }
  }

  end(text: string): void {
    console.log(`\n${styleText(["bold", "green"], text)} ${styleText("dim", milliseconds(this.#started))}`);
  }
}

function milliseconds(started: number): string {
  const elapsed = performance.now() - started;
  return elapsed < 1_000 ? `(${Math.round(elapsed)} ms)` : `(${(elapsed / 1_000).toFixed(1)} s)`;
}

/** The demo did not find what it expected. */
export class DemoFailure extends Error {
  override readonly name = "DemoFailure";
}

export function expectThat(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new DemoFailure(otherwise);
}
