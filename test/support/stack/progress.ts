import { writeFileSync } from "node:fs";
import { BaseSequencer, type Reporter, type TestModule, type TestSpecification } from "vitest/node";
import { DURATIONS_OF_THIS_RUN, expectedSeconds } from "./durations.ts";

/**
 * Starts the slowest files of each project first, so that no slow file runs alone at the end. A process runs files of
 * one project only.
 */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted(
      (a, b) =>
        b.project.name.localeCompare(a.project.name) ||
        expectedSeconds(b.moduleId) - expectedSeconds(a.moduleId) ||
        a.moduleId.localeCompare(b.moduleId),
    );
  }
}

const SAY_EVERY_MS = 10_000;

/** Prints progress and the remaining time every ten seconds. The estimate uses the durations of earlier runs. */
export default class Progress implements Reporter {
  readonly #startedAt = Date.now();
  /** Files that are running, with the time at which each started. */
  readonly #running = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #files = 0;
  #done = 0;
  #failed = 0;
  /** Expected seconds of all files, and of the finished files. */
  #work = 0;
  #workDone = 0;
  /** Seconds that each finished file took, its set-up included. */
  readonly #took: Record<string, number> = {};

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#files = specifications.length;
    this.#work = specifications.reduce((total, { moduleId }) => total + expectedSeconds(moduleId), 0);
    this.#timer = setInterval(() => this.#say(), SAY_EVERY_MS).unref();
  }

  onTestModuleStart({ moduleId }: TestModule): void {
    this.#running.set(moduleId, Date.now());
  }

  onTestModuleEnd(module: TestModule): void {
    const since = this.#running.get(module.moduleId) ?? Date.now();
    this.#running.delete(module.moduleId);
    this.#took[module.moduleId] = (Date.now() - since) / 1_000;
    this.#done++;
    this.#workDone += expectedSeconds(module.moduleId);
    if (module.state() === "failed") this.#failed++;
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
    const file = process.env[DURATIONS_OF_THIS_RUN];
    if (file !== undefined) writeFileSync(file, JSON.stringify(this.#took));
  }

  #say(): void {
    const now = Date.now();
    const elapsed = now - this.#startedAt;
    let done = this.#workDone;
    for (const [moduleId, since] of this.#running)
      done += Math.min(expectedSeconds(moduleId), (now - since) / 1_000);
    if (done === 0) return;
    const left = (elapsed * Math.max(0, this.#work - done)) / done;
    const failures = this.#failed === 0 ? "" : `, ${this.#failed} failed`;
    console.log(
      `[${span(elapsed)}] ${this.#done} of ${this.#files} files done${failures}; about ${span(left)} left`,
    );
  }
}

function span(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
