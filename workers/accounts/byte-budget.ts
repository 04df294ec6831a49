/**
 * Bytes that the requests of one isolate may hold at once: its memory is 128 MB for all of them, and the SDK that pins wants
 * a whole file. Numbers only, for nothing else may cross from one request to another. Lent for a time: a request whose
 * caller hangs up is ended at whatever line it is, and gives nothing back.
 */
export class ByteBudget {
  readonly #most: number;
  readonly #lent: number;
  readonly #now: () => number;
  readonly #loans = new Set<{ readonly bytes: number; readonly until: number }>();

  /** @param lent milliseconds for which bytes are lent: longer than any request needs them */
  constructor(most: number, lent: number, now: () => number) {
    this.#most = most;
    this.#lent = lent;
    this.#now = now;
  }

  /** @returns gives them back, once; undefined when there are not so many left */
  take(bytes: number): (() => void) | undefined {
    const now = this.#now();
    for (const loan of this.#loans) if (loan.until <= now) this.#loans.delete(loan);
    const taken = [...this.#loans].reduce((sum, loan) => sum + loan.bytes, 0);
    if (taken + bytes > this.#most) return undefined;
    const loan = { bytes, until: now + this.#lent };
    this.#loans.add(loan);
    return () => void this.#loans.delete(loan);
  }
}
