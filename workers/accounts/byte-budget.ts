interface Lease {
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/**
 * Bytes that the requests of one isolate may hold at once: its memory is 128 MB for all of them, and the SDK that pins wants
 * a whole file. Numbers only, for nothing else may cross from one request to another.
 *
 * A request that the platform cancels (its caller hung up, or it hung itself) never gets to give anything back, and its
 * isolate lives on: so what is taken lapses.
 */
export class ByteBudget {
  readonly #most: number;
  readonly #lapsesAfter: number;
  readonly #now: () => number;
  #leases: readonly Lease[] = [];

  /** @param lapsesAfter milliseconds, longer than any request holds them */
  constructor(most: number, lapsesAfter: number, now: () => number = Date.now) {
    this.#most = most;
    this.#lapsesAfter = lapsesAfter;
    this.#now = now;
  }

  /** @returns gives them back; undefined when there are not so many left */
  take(bytes: number): (() => void) | undefined {
    const now = this.#now();
    this.#leases = this.#leases.filter(({ since }) => Math.abs(now - since) < this.#lapsesAfter);
    const taken = this.#leases.reduce((sum, lease) => sum + lease.bytes, 0);
    if (taken + bytes > this.#most) return undefined;
    const lease = { bytes, since: now };
    this.#leases = [...this.#leases, lease];
    return () => void (this.#leases = this.#leases.filter((other) => other !== lease));
  }
}
