import { Agenda, type Appointment } from "./agenda.ts";
import { Clocks } from "./clocks.ts";
import type { FaultKind } from "./faults.ts";
import { boundToInvocation } from "./invocation.ts";
import { settled } from "./settled.ts";
import { Random } from "./random.ts";
import type { Trace } from "./trace.ts";

/** How likely each fault is, 0 to 1, wherever it may strike. What is not named never happens. */
export type FaultRates = Readonly<Partial<Record<FaultKind, number>>>;

export interface Violation {
  /** Milliseconds since the epoch, in the world's time. */
  readonly at: number;
  readonly promise: string;
  readonly what: string;
}

/** The simulated time begins here, in every world. */
export const BEGINNING = Date.UTC(2026, 10, 2, 8);

/**
 * Time, chance and memory of one simulated world. Nothing in it happens but through `at`; one thing at a time, and
 * everything that follows from it without waiting comes first. So the seed decides all.
 */
export class World {
  readonly random: Random;
  readonly trace: Trace;
  readonly violations: Violation[] = [];
  readonly faults = new Map<FaultKind, number>();
  readonly clocks = new Clocks(this);
  now = BEGINNING;
  /** No fault strikes any more. */
  calm = false;
  readonly #agenda = new Agenda();
  #afterOperations: { left: number; from: string; readonly run: () => void }[] = [];
  readonly #rates: FaultRates;
  readonly #chance: Random;

  constructor(seed: number, rates: (random: Random) => FaultRates, trace: Trace) {
    this.random = new Random(`vdc ${seed}`);
    this.trace = trace;
    this.#rates = rates(this.random.of("rates"));
    this.#chance = this.random.of("faults");
  }

  /** @param at milliseconds since the epoch; what is past happens now */
  at(at: number, run: () => unknown): Appointment {
    return this.#agenda.add(Math.max(at, this.now), boundToInvocation(run));
  }

  /**
   * Runs it when so many more calls have begun: amid what Workers do, wherever that is.
   * @param from begin to count after the next finished call whose label begins with this text; "" begins at once
   */
  afterOperations(count: number, run: () => void, from = ""): void {
    this.#afterOperations.push({ left: count, from, run });
  }

  operationBegins(): void {
    for (const waiting of this.#afterOperations) if (waiting.from === "") waiting.left--;
    this.#runAfterOperations();
  }

  operationIsDone(label: string): void {
    for (const waiting of this.#afterOperations) if (label.startsWith(waiting.from)) waiting.from = "";
    this.#runAfterOperations();
  }

  #runAfterOperations(): void {
    const due = this.#afterOperations.filter(isDue);
    if (due.length === 0) return;
    this.#afterOperations = this.#afterOperations.filter((waiting) => !isDue(waiting));
    for (const { run } of due) this.at(this.now, run);
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#agenda.add(this.now + Math.max(0, milliseconds), resolve));
  }

  /**
   * Whether this fault strikes here; if so, it is counted.
   * @param chance numbers that decide it, where those of the world's other faults are to stay the same
   */
  strikes(kind: FaultKind, where: string, chance = this.#chance): boolean {
    if (this.calm || !chance.chance(this.#rates[kind] ?? 0)) return false;
    this.struck(kind, where);
    return true;
  }

  /** A fault that follows from a rule of the platform rather than from chance. */
  struck(kind: FaultKind, where: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    this.trace.line(this.now, `FAULT ${kind}: ${where}`);
  }

  broken(promise: string, what: string): void {
    this.violations.push({ at: this.now, promise, what });
    this.trace.line(this.now, `VIOLATION ${promise}: ${what}`);
  }

  say(line: string): void {
    this.trace.line(this.now, line);
  }

  /** Lets time pass until it is so, at most until `limit` (milliseconds since the epoch). @returns whether it is so */
  async runUntil(limit: number, isSo: () => boolean = () => false): Promise<boolean> {
    await settled();
    while (!isSo()) {
      const next = this.#agenda.next();
      if (next === undefined || next.at > limit) {
        if (next !== undefined) this.#agenda.add(next.at, next.run);
        this.now = Math.max(this.now, limit);
        return false;
      }
      this.now = next.at;
      next.run();
      await settled();
    }
    return true;
  }
}

function isDue({ left, from }: { readonly left: number; readonly from: string }): boolean {
  return from === "" && left <= 0;
}
