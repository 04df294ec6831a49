/** Bytes that one request holds of a budget. */
export interface Loan {
  /** @returns false when the budget has not so many bytes left: then the loan stays as it was */
  extendTo(bytes: number): boolean;
  /** Gives all of it back. */
  end(): void;
}

/**
 * Bytes that the requests of one isolate may hold at once: its memory is 128 MB for all of them, and the SDK that pins wants
 * a whole file. Bytes are lent as they arrive, so that a request holds what it sent and not what it announced. A loan ends by
 * itself: a request whose caller hangs up is ended at any line, and gives nothing back.
 */
export class ByteBudget {
  readonly #most: number;
  readonly #endsAfterMs: number;
  readonly #now: () => number;
  readonly #loans = new Map<object, { readonly bytes: number; readonly until: number }>();

  /** @param endsAfterMs for how long bytes are lent: longer than any request needs them */
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
