/**
 * Bytes that the requests of one isolate may hold at once: its memory is 128 MB for all of them, and the SDK that pins wants
 * a whole file. Numbers only, for nothing else may cross from one request to another.
 */
export class ByteBudget {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns gives them back, once; undefined when there are not so many left */
  take(bytes: number): (() => void) | undefined {
    if (this.#taken + bytes > this.#most) return undefined;
    this.#taken += bytes;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#taken -= bytes;
    };
  }
}
