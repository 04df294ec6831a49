/** A document that VDC confirmed as stored. */
interface PromisedDocument {
  readonly cid: string;
  readonly bytes: Uint8Array;
}

/** Every promise that VDC gave. This is the simulation's own memory, which the Workers can't read. */
export class Promised {
  /** Transactions that were sent, unless they were cleanly refused. */
  readonly #offered = new Set<string>();
  /** Transactions that VDC accepted, with their origin. */
  readonly #taken = new Map<string, string>();
  readonly #refusable = new Map<string, readonly string[]>();
  /** Submissions whose bytes were deleted because they break a rule of the chain. */
  readonly #refused = new Set<string>();
  /** Submissions of which VDC said that they wait for their payment. */
  readonly #kept = new Set<string>();
  /** Payments that VDC accepted, by the submission that they pay. */
  readonly #payments = new Map<string, string[]>();
  readonly #paid = new Set<string>();
  /** Groups of transactions, by name. The chain must take at least one of each group. */
  readonly #oneOf = new Map<string, Set<string>>();
  readonly #byToken = new Map<string, Set<string>>();
  /** The highest version of metadata that VDC confirmed, by user. */
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

  /** Notes that a transaction may break a rule of the chain, and may be set aside for these reasons. */
  maySetAside(txId: string, reasons: readonly string[]): void {
    this.#refusable.set(txId, [...(this.#refusable.get(txId) ?? []), ...reasons]);
  }

  mayBeSetAside(txId: string, reason: string): boolean {
    if (reason === "erased" && this.mayBeErased(txId)) return true;
    return this.#refusable.get(txId)?.includes(reason) === true;
  }

  /**
   * Tells whether the deletion of a submission's bytes counts as a refusal. @returns false for a transaction that
   * breaks no rule of the chain
   */
  isRefused(txId: string): boolean {
    if (!this.#refusable.has(txId)) return false;
    this.#refused.add(txId);
    return true;
  }

  get refusals(): ReadonlySet<string> {
    return this.#refused;
  }

  /**
   * Notes a group by its name. If VDC accepts any of the group, the chain must take at least one: a creation of an
   * asset, or a registration of a user.
   */
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

  /** Notes that a person pays for a submission, whether or not the payment has arrived. */
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

  /** Notes a registration that is sent with this token and in no other way. */
  isByToken(token: string, txId: string): void {
    this.#byToken.set(token, (this.#byToken.get(token) ?? new Set()).add(txId));
  }

  /** The registrations that were sent with each token. */
  get activations(): readonly ReadonlySet<string>[] {
    return [...this.#byToken.values()];
  }

  metadata(userId: string, version: number): void {
    this.#metadata.set(userId, Math.max(version, this.metadataOf(userId)));
  }

  get usersWithMetadata(): readonly string[] {
    return [...this.#metadata.keys()];
  }

  /** Returns the highest version that VDC confirmed; 0 if it confirmed none. */
  metadataOf(userId: string): number {
    return this.#metadata.get(userId) ?? 0;
  }

  document(id: string, document: PromisedDocument): void {
    this.#documents.set(id, document);
  }

  get documents(): ReadonlyMap<string, PromisedDocument> {
    return this.#documents;
  }

  /** Notes that an erasure was requested. Until its answer, the private part may exist or not. */
  erasing(txId: string): void {
    this.#erasing.set(txId, (this.#erasing.get(txId) ?? 0) + 1);
  }

  notErased(txId: string): void {
    this.#erasing.set(txId, (this.#erasing.get(txId) ?? 0) - 1);
  }

  /**
   * Notes that a private part is erased. @param blockNumber null: no block holds the transaction, and no block ever
   * will
   */
  erased(txId: string, blockNumber: number | null): void {
    this.notErased(txId);
    this.#erased.set(txId, blockNumber);
  }

  mayBeErased(txId: string): boolean {
    return this.#erased.has(txId) || (this.#erasing.get(txId) ?? 0) > 0;
  }

  /** Returns the block number in the answer to the erasure; `undefined` if no answer confirmed an erasure. */
  erasureOf(txId: string): number | null | undefined {
    return this.#erased.get(txId);
  }

  get erasures(): readonly string[] {
    return [...this.#erased.keys()];
  }
}
