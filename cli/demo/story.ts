import { styleText } from "node:util";

/** Tells what happens, with the time that each step took. */
export class Story {
  readonly #started = performance.now();

  title(text: string): void {
    console.log(`\n${styleText("bold", text)}`);
  }

  say(text: string): void {
    console.log(`  ${text}`);
  }

  /** Runs a step and tells its outcome in one line. @throws what the step throws, after saying that it failed */
  async step<T>(what: string, work: () => Promise<T>, outcome: (result: T) => string = () => ""): Promise<T> {
    const started = performance.now();
    try {
      const result = await work();
      const told = outcome(result);
      console.log(
        `  ${styleText("green", "✓")} ${what}${told === "" ? "" : `: ${told}`} ${styleText("dim", milliseconds(started))}`,
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

/** What the demo expected and did not find. */
export class DemoFailure extends Error {
  override readonly name = "DemoFailure";
}

export function expectThat(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new DemoFailure(otherwise);
}
