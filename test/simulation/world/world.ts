import { Agenda, type Appointment } from "./agenda.ts";
import { Clocks } from "./clocks.ts";
import type { FaultKind } from "./faults.ts";
import { boundToInvocation } from "./invocation.ts";
import { settled } from "./settled.ts";
import { Random } from "./random.ts";
import type { Trace } from "./trace.ts";

/** The probability of each fault wherever it may strike, 0 to 1. A fault that is not listed never strikes. */
export type FaultRates = Readonly<Partial<Record<FaultKind, number>>>;

export interface Violation {
  /** Milliseconds since the epoch, in the world's time. */
  readonly at: number;
  readonly promise: string;
  readonly what: string;
}

/** The time at which every world begins. */
export const BEGINNING = Date.UTC(2026, 10, 2, 8);

/**
 * Time, chance and memory of one simulated world. Everything in it happens through `at`, one event at a time.
 * Everything that follows from an event without waiting comes before the next event. So the seed decides everything.
 */
export class World {
  readonly random: Random;
  readonly trace: Trace;
  readonly violations: Violation[] = [];
  readonly faults = new Map<FaultKind, number>();
  readonly clocks = new Clocks(this);
  now = BEGINNING;
  /** From now on no fault strikes. */
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

  /** @param at milliseconds since the epoch; a time in the past means now */
  at(at: number, run: () => unknown): Appointment {
    return this.#agenda.add(Math.max(at, this.now), boundToInvocation(run));
  }

  /**
   * Runs it when this many more calls have begun, so that it falls into the middle of the Workers' work.
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
   * Decides whether this fault strikes here, and counts it if so.
   * @param chance the numbers that decide; a separate sequence leaves the world's other faults the same
   */
  strikes(kind: FaultKind, where: string, chance = this.#chance): boolean {
    if (this.calm || !chance.chance(this.#rates[kind] ?? 0)) return false;
    this.struck(kind, where);
    return true;
  }

  /** Counts a fault that follows from a rule of the platform rather than from chance. */
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

  /**
   * Lets time pass until the condition is true, at most until `limit` (milliseconds since the epoch). @returns whether
   * it is true
   */
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
