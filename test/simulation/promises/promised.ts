/** What was promised to whom: the simulation's own memory, which nothing of the system can see. */
export class Promised {
  /** Transactions that somebody sent, whatever the answer was. */
  readonly #offered = new Set<string>();
  /** Those that somebody was told are taken, with what they came of. */
  readonly #taken = new Map<string, string>();
  readonly #erased = new Set<string>();
  readonly #refusable = new Map<string, readonly string[]>();

  offered(txId: string): void {
    this.#offered.add(txId);
  }

  wasOffered(txId: string): boolean {
    return this.#offered.has(txId) || this.#taken.has(txId);
  }

  taken(txId: string, of: string): void {
    this.#taken.set(txId, of);
  }

  get transactions(): string[] {
    return [...this.#taken.keys()];
  }

  originOf(txId: string): string | undefined {
    return this.#taken.get(txId);
  }

  /** It may break a rule of the chain, and be set aside for one of these reasons. */
  maySetAside(txId: string, reasons: readonly string[]): void {
    this.#refusable.set(txId, reasons);
  }

  mayBeSetAside(txId: string, reason: string): boolean {
    return this.#refusable.get(txId)?.includes(reason) === true;
  }

  erased(txId: string): void {
    this.#erased.add(txId);
  }

  isErased(txId: string): boolean {
    return this.#erased.has(txId);
  }
}
