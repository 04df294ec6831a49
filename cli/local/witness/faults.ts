import * as v from "valibot";

/** Number of requests that the fault hits before it ends; without it, every request. */
const times = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)));
const status = v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599));

export const WitnessFault = v.variant("kind", [
  /** Holds the request until the faults are cleared, then serves it. */
  v.strictObject({ kind: v.literal("late"), times }),
  /** Answers any status, and cosigns nothing. */
  v.strictObject({ kind: v.literal("fail"), status, times }),
  /** Cosigns and stores, and answers 500. */
  v.strictObject({ kind: v.literal("cosigned_but_errored"), times }),
  /** Answers 200 with a signature that does not verify. */
  v.strictObject({ kind: v.literal("wrong_signature"), times }),
]);
export type WitnessFault = v.InferOutput<typeof WitnessFault>;

export class WitnessFaults {
  #faults: WitnessFault[] = [];
  #closed = false;
  readonly #held = new Set<PromiseWithResolvers<void>>();

  /** @throws ValiError for a malformed fault */
  set(fault: WitnessFault): void {
    this.#faults.push(v.parse(WitnessFault, fault));
  }

  clear(): void {
    this.#faults = [];
    for (const held of this.#held) held.resolve();
    this.#held.clear();
  }

  /** Takes the first fault, and counts it as used once. */
  take(): WitnessFault | undefined {
    const [fault] = this.#faults;
    if (fault?.times === undefined) return fault;
    if (fault.times === 1) this.#faults.shift();
    else this.#faults[0] = { ...fault, times: fault.times - 1 };
    return fault;
  }

  /** Number of requests that a fault holds at this moment. */
  get held(): number {
    return this.#held.size;
  }

  /** Resolves when the faults are cleared; rejects when the witness is closed, now or later. */
  hold(): Promise<void> {
    const held = Promise.withResolvers<void>();
    if (this.#closed) held.reject(new Error("the witness is closed"));
    else this.#held.add(held);
    return held.promise;
  }

  close(): void {
    this.#closed = true;
    for (const held of this.#held) held.reject(new Error("the witness is closed"));
    this.#held.clear();
  }
}
