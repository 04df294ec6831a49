/** The bytes of a budget that one request holds. */
export interface Loan {
  /** @returns false when the budget has too few bytes left; the loan then stays as it was */
  extendTo(bytes: number): boolean;
  /** Gives all its bytes back. */
  end(): void;
}

/**
 * Limits the bytes that the requests of one isolate hold at once: they share 128 MB of memory, and the pinning SDK needs a whole
 * file. Bytes are lent as they arrive, so a request holds what it sent, not what it announced. A loan ends by itself after a
 * time: a request whose caller hangs up is aborted at any line and gives nothing back.
 */
export class ByteBudget {
  readonly #most: number;
  readonly #endsAfterMs: number;
  readonly #now: () => number;
  readonly #loans = new Map<object, { readonly bytes: number; readonly until: number }>();

  /** @param endsAfterMs milliseconds after which a loan ends; longer than any request needs its bytes */
  constructor(most: number, endsAfterMs: number, now: () => number) {
    this.#most = most;
    this.#endsAfterMs = endsAfterMs;
    this.#now = now;
  }

  loan(): Loan {
    const key = {};
    return {
      extendTo: (bytes) => this.#lend(key, bytes),
      end: () => void this.#loans.delete(key),
    };
  }

  #lend(key: object, bytes: number): boolean {
    const now = this.#now();
    let others = 0;
    for (const [borrower, loan] of this.#loans)
      if (loan.until <= now) this.#loans.delete(borrower);
      else if (borrower !== key) others += loan.bytes;
    if (others + bytes > this.#most) return false;
    this.#loans.set(key, { bytes, until: now + this.#endsAfterMs });
    return true;
  }
}
