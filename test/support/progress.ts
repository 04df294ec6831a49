import { BaseSequencer, type Reporter, type TestModule, type TestSpecification } from "vitest/node";
import { expectedSeconds } from "./durations.ts";

/** Starts the slowest files first, so that no core is idle at the end while one slow file runs alone. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted(
      (a, b) =>
        expectedSeconds(b.moduleId) - expectedSeconds(a.moduleId) || (a.moduleId < b.moduleId ? -1 : 1),
    );
  }
}

const SAY_EVERY_MS = 10_000;

/** Says every ten seconds how far the run is and, by what the files took before, how long it will still take. */
export default class Progress implements Reporter {
  readonly #startedAt = Date.now();
  #saidAt = Date.now();
  #files = 0;
  #done = 0;
  #work = 0;
  #workDone = 0;
  #failed = 0;

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#files = specifications.length;
    this.#work = sum(specifications.map(({ moduleId }) => expectedSeconds(moduleId)));
  }

  onTestModuleEnd(module: TestModule): void {
    this.#done++;
    this.#workDone += expectedSeconds(module.moduleId);
    if (module.state() === "failed") this.#failed++;
    const now = Date.now();
    if (now - this.#saidAt < SAY_EVERY_MS || this.#done === this.#files) return;
    this.#saidAt = now;
    const elapsed = now - this.#startedAt;
    const left = (elapsed * (this.#work - this.#workDone)) / this.#workDone;
    const failures = this.#failed === 0 ? "" : `, ${this.#failed} failed`;
    console.log(
      `[${span(elapsed)}] ${this.#done} of ${this.#files} files done${failures}; about ${span(left)} left`,
    );
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function span(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
