import type { LedgerKeys } from "../../../shared/chain/ledger.ts";
import type { ChainRules } from "../../../shared/chain/rules.ts";
import type {
  Reservation,
  RestoredBlock,
  SealAnswer,
  SealedBlock,
} from "../../../shared/chain/reservation.ts";
import { beginAssetWrites, endAssetWrites } from "../../../workers/chain-head/decisions/asset-writes.ts";
import { assets } from "../../../workers/chain-head/reads/assets.ts";
import { sha256Hex } from "../../../shared/crypto/hash.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import type { PermanentReason } from "../../../shared/runtime/errors.ts";
import { findBlock } from "../../../workers/chain-head/reads/blocks.ts";
import { erase, type Erasure } from "../../../workers/chain-head/decisions/erase.ts";
import { outbox, type DatedItem, type OutboxItem } from "../../../workers/chain-head/outbox/outbox.ts";
import { allowGenesis, type Traces } from "../../../workers/chain-head/decisions/genesis-guard.ts";
import { halt, resume } from "../../../workers/chain-head/decisions/halt.ts";
import { ledger } from "../../../workers/chain-head/decisions/ledger.ts";
import { beginLife, lifeOf } from "../../../workers/chain-head/decisions/life.ts";
import {
  admit,
  type Admissions,
  type AdmissionRequest,
} from "../../../workers/chain-head/decisions/admit.ts";
import {
  awaitPayment,
  intentMissing,
  type Intent,
  type IntentState,
} from "../../../workers/chain-head/decisions/intents.ts";
import { expireIntents, forgetExpired } from "../../../workers/chain-head/decisions/expire-intents.ts";
import { intent, paidIntents } from "../../../workers/chain-head/reads/intents.ts";
import {
  cleaned,
  indexed,
  persisted,
  type PersistedReport,
  type MoveResult,
} from "../../../workers/chain-head/decisions/progress.ts";
import { measures } from "../../../workers/chain-head/reads/measures.ts";
import { outlook } from "../../../workers/chain-head/decisions/outlook.ts";
import { forgetRefused } from "../../../workers/chain-head/decisions/refused.ts";
import { readmit, type Readmission } from "../../../workers/chain-head/decisions/readmit.ts";
import {
  block,
  blockWithTransactions,
  publishedBlocks,
} from "../../../workers/chain-head/reads/block-facts.ts";
import { failures, unparked } from "../../../workers/chain-head/reads/set-asides.ts";
import { head } from "../../../workers/chain-head/reads/head.ts";
import { status } from "../../../workers/chain-head/reads/status.ts";
import { transaction } from "../../../workers/chain-head/reads/transaction.ts";
import {
  mineIfDue,
  requestMining,
  type MiningAnswer,
} from "../../../workers/chain-head/decisions/request-mining.ts";
import { reserve } from "../../../workers/chain-head/decisions/reserve.ts";
import { migrate } from "../../../workers/chain-head/storage/schema.ts";
import {
  beginRestore,
  endRestore,
  restoreBlock,
  restoreErasures,
  type RestoreEnding,
  type RestorePoint,
} from "../../../workers/chain-head/decisions/restore.ts";
import { seal, type StaleReservation } from "../../../workers/chain-head/decisions/seal.ts";
import { parked, setAside, type NotRevised } from "../../../workers/chain-head/decisions/set-aside.ts";
import { minedAmong, knownStates } from "../../../workers/chain-head/reads/known-states.ts";
import { pendingPage } from "../../../workers/chain-head/reads/waiting.ts";
import { withdraw, type Withdrawal } from "../../../workers/chain-head/decisions/withdraw.ts";
import { memorySql, type MemorySql } from "../stack/sqlite.ts";

export const CHAIN_ID = "vdc-test";

/** Rules under which nothing is mined until a test asks for it. */
export const RULES: ChainRules = {
  miningMode: "auto",
  mineAtCount: 1_000,
  mineAfterSeconds: 300,
  blockMaxTransactions: 100,
  blockMaxBytes: 262_144,
  maxBlocksInFlight: 4,
  stallAfterSeconds: 120,
  writeLandsWithinSeconds: 90,
  intentTtlSeconds: 30 * 86_400,
};

/** Returns a transaction id that is readable in a failure and sorts like its number. */
export function txId(n: number): string {
  return `vdc_tx_${n.toString(16).padStart(40, "0")}`;
}

export interface Arrival {
  readonly n: number;
  readonly timestamp?: number;
  readonly size?: number;
  readonly envelopeSize?: number;
  /** The number of the submission that it pays. */
  readonly pays?: number;
  /** The grant that the transaction gives once it is mined. */
  readonly grants?: string | undefined;
  /** The grant that the transaction needs. */
  readonly needs?: string;
  /** Stripe reported the transaction. */
  readonly paid?: true;
}

/** The chain head's decisions over a database in memory. The test sets the time. */
export class TestHead {
  readonly sql: MemorySql = memorySql();
  readonly rules: ChainRules;
  /** Milliseconds since the epoch. */
  now = 1_800_000_000_000;

  /** @param traces what storage holds of an earlier chain; by default nothing, so a chain may begin */
  constructor(rules: Partial<ChainRules> = {}, traces: Traces = { archive: false, kv: false }) {
    this.rules = { ...RULES, ...rules };
    this.sql.transaction(() => {
      migrate(this.sql);
      beginLife(this.sql, this.now, crypto.randomUUID());
      allowGenesis(this.sql, traces, this.now);
    });
  }

  get life(): string {
    return lifeOf(this.sql);
  }

  pass(seconds: number): void {
    this.now += seconds * 1_000;
  }

  /** `timestamp` defaults to the transaction's number, so that transactions are in order. */
  admit(...arrivals: readonly (number | Arrival)[]): Admissions {
    const entries = arrivals.map((arrival) => {
      const {
        n,
        timestamp = n,
        size = 500,
        envelopeSize = 1_000,
        pays,
        grants,
        needs,
        paid,
      }: Arrival = typeof arrival === "number" ? { n: arrival } : arrival;
      return {
        txId: txId(n),
        timestamp,
        size,
        envelopeSize,
        grants,
        needs,
        paid,
        ...(pays !== undefined && { pays: txId(pays) }),
      };
    });
    return this.admitEntries(entries);
  }

  admitEntries(entries: readonly AdmissionRequest[]): Admissions {
    return this.#decide(() => admit(this.sql, entries, this.rules, this.now));
  }

  awaitPayment(intents: readonly Intent[]): readonly IntentState[] {
    return this.#decide(() => awaitPayment(this.sql, intents));
  }

  /** Receives a submission that waits for its payment, by default now. */
  receive(n: number, receivedAt = this.now): IntentState | undefined {
    return this.awaitPayment([{ txId: txId(n), timestamp: n, size: 500, receivedAt }])[0];
  }

  intentMissing(id: string): void {
    this.#decide(() => intentMissing(this.sql, id));
  }

  /** Expires unpaid submissions, as the alarm does. */
  expireIntents(): void {
    this.#decide(() => expireIntents(this.sql, this.rules, this.now));
  }

  forgetExpired(): void {
    this.#decide(() => forgetExpired(this.sql, this.now));
  }

  intent = (n: number) => intent(this.sql, txId(n), this.rules);
  paidIntents = (after = "", limit = 100) => paidIntents(this.sql, after, limit);
  whereIs = (id: string) => ({
    transaction: transaction(this.sql, id),
    intent: intent(this.sql, id, this.rules),
  });

  requestMining(): MiningAnswer {
    return this.#decide(() => requestMining(this.sql, this.rules, this.now));
  }

  mineIfDue(): MiningAnswer | null {
    return this.#decide(() => mineIfDue(this.sql, this.rules, this.now));
  }

  reserve(): ReturnType<typeof reserve> {
    return this.#decide(() => reserve(this.sql, CHAIN_ID, this.rules, this.now));
  }

  /** Reserves a block, and expects success. */
  reserved(): Reservation {
    const reservation = this.reserve();
    if ("none" in reservation) throw new Error(`no reservation: ${reservation.none}`);
    return reservation;
  }

  setAside(
    blockNumber: number,
    n: number,
    reason: PermanentReason = "undecryptable",
    revision = findBlock(this.sql, blockNumber)?.revision ?? -1,
  ): Reservation | NotRevised {
    const refused = [{ txId: txId(n), reason, error: `${reason} in a test` }];
    return this.setAsideAll({ life: this.life, blockNumber, revision, refused });
  }

  /** Sets aside a user's submission that breaks a rule of the chain, as the miner does. */
  refuse(blockNumber: number, n: number, reason: PermanentReason = "not_owner"): Reservation | NotRevised {
    const revision = findBlock(this.sql, blockNumber)?.revision ?? -1;
    const refused = [{ txId: txId(n), reason, error: `${reason} in a test`, isUsers: true }];
    return this.setAsideAll({ life: this.life, blockNumber, revision, refused });
  }

  /** Forgets refused submissions, as the alarm does. */
  forgetRefused(): void {
    this.#decide(() => forgetRefused(this.sql, this.now));
  }

  setAsideAll(request: Parameters<typeof setAside>[2]): Reservation | NotRevised {
    return this.#decide(() => setAside(this.sql, CHAIN_ID, request, this.now));
  }

  /** Marks every failure as parked by the dead-letter store. */
  park(): void {
    this.#decide(() => {
      for (const { txId: id, at } of unparked(this.sql, 1_000)) parked(this.sql, id, at);
    });
  }

  erase(which: number | string, isParked = false): Erasure {
    const id = typeof which === "string" ? which : txId(which);
    return this.#decide(() => erase(this.sql, id, isParked, this.now));
  }

  readmit(...numbers: readonly number[]): readonly Readmission[] {
    return this.#decide(() => readmit(this.sql, numbers.map(txId), this.now));
  }

  seal(reservation: Reservation, changes: Partial<SealedBlock> = {}): SealAnswer | StaleReservation {
    const { blockNumber, previousHash } = reservation;
    const sealed = { ...sealedFrom(reservation), ...changes };
    return this.#decide(() => seal(this.sql, blockNumber, previousHash, sealed, this.now));
  }

  persisted(blockNumber: number, changes: Partial<PersistedReport> = {}): MoveResult {
    const { hash, sha256, cid } = this.block(blockNumber) ?? {};
    const sealed = { life: this.life, blockNumber, hash: hash ?? "", sha256: sha256 ?? "" };
    const report = { ...sealed, ipfsHash: cid ?? "", ...changes };
    return this.#decide(() => persisted(this.sql, report, this.now));
  }

  indexed(blockNumber: number, life = this.life): MoveResult {
    return this.#decide(() => indexed(this.sql, { life, blockNumber }, this.now));
  }

  cleaned(blockNumber: number, life = this.life): MoveResult {
    return this.#decide(() => cleaned(this.sql, { life, blockNumber }, this.now));
  }

  halt(reason: string): void {
    this.#decide(() => halt(this.sql, reason, this.now));
  }

  /** @returns whether the chain head resumed */
  resume(storageHoldsChain = false): boolean {
    return this.#decide(() => resume(this.sql, storageHoldsChain));
  }

  beginRestore(): RestorePoint | null {
    return this.#decide(() => beginRestore(this.sql, this.now));
  }

  restoreErasures(numbers: readonly number[]): RestorePoint {
    const page = { life: this.life, txIds: numbers.map(txId), through: null, all: true };
    return this.#decide(() => restoreErasures(this.sql, page, this.now));
  }

  withdraw(...numbers: readonly number[]): readonly Withdrawal[] {
    return this.withdrawIds(numbers.map(txId));
  }

  withdrawIds(ids: readonly string[]): readonly Withdrawal[] {
    return this.#decide(() => withdraw(this.sql, ids, this.now));
  }

  /** Restores a block that was verified for the current life, unless the test names another life. */
  restoreBlock(block: RestoredBlock, life = this.life): RestorePoint {
    return this.#decide(() => restoreBlock(this.sql, { ...block, life }, this.now));
  }

  /** Ends the restore at the end of the chain, unless the test says otherwise. */
  endRestore(ending: Omit<RestoreEnding, "life" | "next"> & Partial<RestoreEnding>): void {
    const whole = { life: this.life, next: this.counts().blocks, ...ending };
    this.#decide(() => endRestore(this.sql, this.rules, whole, this.now));
  }

  head = () => head(this.sql, CHAIN_ID);
  block = (blockNumber: number) => block(this.sql, blockNumber);
  blockWithTransactions = (blockNumber: number) => blockWithTransactions(this.sql, blockNumber);
  blockTransactions = (blockNumber: number) => this.blockWithTransactions(blockNumber)?.transactions ?? [];
  transaction = (n: number) => transaction(this.sql, txId(n));
  status = () => status(this.sql, this.rules);
  counts = () => this.status().counts;
  failures = (limit = 100) => failures(this.sql, limit);
  ledger = (keys: Partial<LedgerKeys>) => ledger(this.sql, { assetIds: [], userIds: [], ...keys });
  outlook = (n: number, keys: Partial<LedgerKeys>, grants: readonly string[]) =>
    outlook(this.sql, txId(n), { assetIds: [], userIds: [], ...keys }, grants);
  measures = () => measures(this.sql);
  assets = (assetIds: readonly string[]) => assets(this.sql, assetIds);
  beginAssetWrites = (token: string) =>
    this.#decide(() => beginAssetWrites(this.sql, token, this.rules, this.now));
  endAssetWrites = (token: string) => this.#decide(() => endAssetWrites(this.sql, token));
  publishedBlocks = (before: number, limit: number) => publishedBlocks(this.sql, before, limit);
  pendingPage = (after: number | null, limit: number) => pendingPage(this.sql, after, limit);

  minedAmong = (...numbers: readonly number[]) => minedAmong(this.sql, numbers.map(txId));

  knownStates = (numbers: readonly number[], blockNumbers: readonly number[]) =>
    knownStates(this.sql, numbers.map(txId), blockNumbers);

  outbox(): DatedItem[] {
    return outbox(this.sql, this.rules);
  }

  /** Returns the only item of the outbox of this kind. */
  outboxItem(kind: OutboxItem["kind"]): DatedItem | undefined {
    const found = this.outbox().filter(({ item }) => item.kind === kind);
    if (found.length > 1) throw new Error(`${found.length} items are ${kind}`);
    return found[0];
  }

  /** Reserves and seals the next block, as a miner does. */
  mine(): Reservation {
    const reservation = this.reserved();
    const answer = this.seal(reservation);
    if (!("won" in answer) || !answer.won) throw new Error(`block ${reservation.blockNumber} was not sealed`);
    return reservation;
  }

  finish(blockNumber: number): void {
    this.persisted(blockNumber);
    this.indexed(blockNumber);
    this.cleaned(blockNumber);
  }

  /** Mines and finishes genesis and all pending transactions. */
  mineAll(): void {
    if (!this.requestMining().mining) throw new Error("mining was not granted");
    for (;;) {
      const reservation = this.reserve();
      if ("none" in reservation) return;
      this.seal(reservation);
      this.finish(reservation.blockNumber);
    }
  }

  /** Begins a chain: genesis and block 1, which holds transaction 0, are complete. No transaction is pending. */
  begun(): this {
    this.admit(0);
    this.mineAll();
    return this;
  }

  #decide<T>(decision: () => T): T {
    return this.sql.transaction(decision);
  }
}

/** Makes the report of a block that a miner seals from this reservation. Its bytes differ for every revision. */
export function sealedFrom(reservation: Reservation, attempt = "first"): SealedBlock {
  const { life, blockNumber, revision, transactions } = reservation;
  const made = `${blockNumber} ${revision} ${transactions.join(" ")} ${attempt}`;
  return {
    life,
    revision,
    hash: sha256Hex(utf8(`hash ${made}`)),
    sha256: sha256Hex(utf8(`bytes ${made}`)),
    cid: ipfsHashOf(blockNumber),
    byteLength: 1_000,
    keyId: KEY.keyId,
    announces: blockNumber === 0 ? [KEY] : [],
    revokes: [],
    systemTransactions: blockNumber === 0 ? 1 : 0,
    assets: [],
    users: [],
  };
}

export const KEY = { keyId: "a".repeat(64), algorithm: "ML-DSA-44", publicKey: "first" } as const;

/** Stands in for a CID. The chain head only compares CIDs. */
export function ipfsHashOf(blockNumber: number): string {
  return `Qm${blockNumber}`;
}
