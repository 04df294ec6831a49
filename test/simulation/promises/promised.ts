/** A document that somebody was told is stored. */
interface PromisedDocument {
  readonly cid: string;
  readonly bytes: Uint8Array;
}

/** What was promised to whom: the simulation's own memory, which nothing of the system can see. */
export class Promised {
  /** Transactions that somebody sent, unless they were cleanly refused. */
  readonly #offered = new Set<string>();
  /** Those that somebody was told are taken, with what they came of. */
  readonly #taken = new Map<string, string>();
  readonly #refusable = new Map<string, readonly string[]>();
  /** Submissions whose bytes were deleted because they break a rule of the chain. */
  readonly #refused = new Set<string>();
  /** Those that somebody was told wait for their payment. */
  readonly #kept = new Set<string>();
  /** Of each that has to be paid: the payments that were taken for it. */
  readonly #payments = new Map<string, string[]>();
  readonly #paid = new Set<string>();
  /** Of those of a name, one is good. */
  readonly #oneOf = new Map<string, Set<string>>();
  readonly #byToken = new Map<string, Set<string>>();
  /** The highest version that each user was told is stored. */
  readonly #metadata = new Map<string, number>();
  readonly #documents = new Map<string, PromisedDocument>();
  readonly #erasing = new Map<string, number>();
  readonly #erased = new Map<string, number | null>();

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

  wasTaken(txId: string): boolean {
    return this.#taken.has(txId);
  }

  originOf(txId: string): string | undefined {
    return this.#taken.get(txId);
  }

  /** It may break a rule of the chain, and be set aside for one of these reasons. */
  maySetAside(txId: string, reasons: readonly string[]): void {
    this.#refusable.set(txId, [...(this.#refusable.get(txId) ?? []), ...reasons]);
  }

  mayBeSetAside(txId: string, reason: string): boolean {
    if (reason === "erased" && this.mayBeErased(txId)) return true;
    return this.#refusable.get(txId)?.includes(reason) === true;
  }

  /** @returns false for a transaction that breaks no rule of the chain */
  isRefused(txId: string): boolean {
    if (!this.#refusable.has(txId)) return false;
    this.#refused.add(txId);
    return true;
  }

  get refusals(): ReadonlySet<string> {
    return this.#refused;
  }

  /** Of all of this name that are taken, the chain takes one at least: the first asset of an id, a user's first registration. */
  isOneOf(name: string, txId: string): void {
    this.#oneOf.set(name, (this.#oneOf.get(name) ?? new Set()).add(txId));
  }

  get alternatives(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#oneOf;
  }

  mustBePaid(txId: string): void {
    this.#payments.set(txId, this.#payments.get(txId) ?? []);
  }

  get payable(): readonly string[] {
    return [...this.#payments.keys()];
  }

  kept(txId: string): void {
    this.#kept.add(txId);
  }

  isKept(txId: string): boolean {
    return this.#kept.has(txId);
  }

  /** Somebody pays for it, whether or not that has arrived. */
  paid(txId: string): void {
    this.#paid.add(txId);
  }

  isPaid(txId: string): boolean {
    return this.#paid.has(txId);
  }

  paidBy(txId: string, payment: string): void {
    this.#payments.get(txId)?.push(payment);
  }

  paymentsOf(txId: string): readonly string[] {
    return this.#payments.get(txId) ?? [];
  }

  /** A registration that somebody sends with this token, and in no other way. */
  isByToken(token: string, txId: string): void {
    this.#byToken.set(token, (this.#byToken.get(token) ?? new Set()).add(txId));
  }

  /** Of each token: what it was sent for. */
  get activations(): readonly ReadonlySet<string>[] {
    return [...this.#byToken.values()];
  }

  metadata(userId: string, version: number): void {
    this.#metadata.set(userId, Math.max(version, this.metadataOf(userId)));
  }

  get usersWithMetadata(): readonly string[] {
    return [...this.#metadata.keys()];
  }

  /** 0: nothing was promised. */
  metadataOf(userId: string): number {
    return this.#metadata.get(userId) ?? 0;
  }

  document(id: string, document: PromisedDocument): void {
    this.#documents.set(id, document);
  }

  get documents(): ReadonlyMap<string, PromisedDocument> {
    return this.#documents;
  }

  /** Somebody has asked for it to be erased: until it is answered, it may be or not. */
  erasing(txId: string): void {
    this.#erasing.set(txId, (this.#erasing.get(txId) ?? 0) + 1);
  }

  notErased(txId: string): void {
    this.#erasing.set(txId, (this.#erasing.get(txId) ?? 0) - 1);
  }

  /** Nothing of it is left. @param blockNumber null: no block has it, and none will */
  erased(txId: string, blockNumber: number | null): void {
    this.notErased(txId);
    this.#erased.set(txId, blockNumber);
  }

  mayBeErased(txId: string): boolean {
    return this.#erased.has(txId) || (this.#erasing.get(txId) ?? 0) > 0;
  }

  /** What the answer said about its block; `undefined`: no answer said that it is erased. */
  erasureOf(txId: string): number | null | undefined {
    return this.#erased.get(txId);
  }

  get erasures(): readonly string[] {
    return [...this.#erased.keys()];
  }
}
