interface Options<T> {
  readonly write: (value: T) => Promise<void>;
  /** Milliseconds between the beginnings of two writes. */
  readonly interval: number;
  readonly now: () => number;
  readonly wait: (milliseconds: number) => Promise<void>;
}

/**
 * Writes one key: one write at a time, not faster than the key allows, and always the newest value. So the stored value never
 * goes back, and many values that come at once take one or two writes.
 */
export class NewestWrite<T extends { readonly version: number }> {
  readonly #options: Options<T>;
  #newest: T | undefined;
  #lastBegan = -Infinity;
  #last: Promise<void> = Promise.resolve();
  /** The write that has not begun yet. It also serves every caller that comes before it begins. */
  #next: Promise<void> | undefined;

  constructor(options: Options<T>) {
    this.#options = options;
  }

  /** Resolves once this value, or a newer one, has been written by a write that began after this call. */
  newest(value: T): Promise<void> {
    if (this.#newest === undefined || value.version >= this.#newest.version) this.#newest = value;
    this.#next ??= this.#after(this.#last);
    return this.#next;
  }

  async #after(last: Promise<void>): Promise<void> {
    await Promise.allSettled([last]); // the callers of that write get its failure
    const { write, interval, now, wait } = this.#options;
    const early = this.#lastBegan + interval - now();
    if (early > 0) await wait(early);
    if (this.#next !== undefined) this.#last = this.#next;
    this.#next = undefined;
    this.#lastBegan = now();
    if (this.#newest !== undefined) await write(this.#newest);
  }
}
