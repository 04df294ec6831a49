/** A fault that the local authority can be told to show. */
export type StampFault =
  /** Answers this status, and stamps nothing. */
  | { readonly kind: "fail"; readonly status: number }
  /** Answers with status "rejection" (RFC 3161 §2.4.2). */
  | { readonly kind: "reject" }
  /** Holds the request until the faults are cleared, then stamps. */
  | { readonly kind: "stall" }
  /** Stamps other data than it was asked to. */
  | { readonly kind: "other_data" }
  /** Answers with another nonce, as a repeated answer has. */
  | { readonly kind: "other_nonce" }
  /** Spoils the signature. */
  | { readonly kind: "wrong_signature" }
  /** Stamps a time that is wrong by so many milliseconds. */
  | { readonly kind: "wrong_clock"; readonly offMs: number };

/** The fault of the authority, until it is cleared or has hit so many requests. */
export class StampFaults {
  #fault: StampFault | undefined;
  #times = 0;
  readonly #stalled = new Set<PromiseWithResolvers<void>>();

  set(fault: StampFault, times = Infinity): void {
    this.#fault = fault;
    this.#times = times;
  }

  /** Ends the fault. Stalled requests then go on normally. */
  clear(): void {
    this.#fault = undefined;
    for (const held of this.#stalled) held.resolve();
    this.#stalled.clear();
  }

  /** Returns the fault that hits this request, and counts it as used once. */
  take(): StampFault | undefined {
    if (this.#times < 1) this.#fault = undefined;
    this.#times -= 1;
    return this.#fault;
  }

  async stall(): Promise<void> {
    const held = Promise.withResolvers<void>();
    this.#stalled.add(held);
    await held.promise;
  }
}
