import { DurableObject } from "cloudflare:workers";
import type { LedgerKeys } from "../../shared/chain/ledger.ts";
import type { RestoredBlock, SealedBlock } from "../../shared/chain/reservation.ts";
import type { KeyRevocation } from "../../shared/chain/transaction.ts";
import { setAlarmNoLaterThan } from "../../shared/durable-object/alarm.ts";
import { logger } from "../../shared/runtime/log.ts";
import type { IgnoredReason } from "../../shared/stripe/decision.ts";
import { admit, type AdmissionRequest } from "./decisions/admit.ts";
import { workOutbox, nextDue } from "./outbox/alarm.ts";
import { beginAssetWrites, endAssetWrites } from "./decisions/asset-writes.ts";
import { assets } from "./reads/assets.ts";
import { backlogs } from "./outbox/backlogs.ts";
import { chainRules, type Env } from "./env.ts";
import { getValue, setValue, type MinerKeys } from "./storage/key-values.ts";
import { erase } from "./decisions/erase.ts";
import { allowGenesis, haltIfLost, lookForChain } from "./decisions/genesis-guard.ts";
import { awaitsRestore, haltBy, resume } from "./decisions/halt.ts";
import { countIgnored } from "./decisions/ignored.ts";
import { ledger } from "./decisions/ledger.ts";
import { beginLife, hasLife } from "./decisions/life.ts";
import { awaitPayment, intentMissing, type Intent } from "./decisions/intents.ts";
import { intent, paidIntents } from "./reads/intents.ts";
import { measures } from "./reads/measures.ts";
import { outlook } from "./decisions/outlook.ts";
import { checkpointed } from "./decisions/checkpointed.ts";
import { cleaned, indexed, persisted, type StageReport, type PersistedReport } from "./decisions/progress.ts";
import { readmit } from "./decisions/readmit.ts";
import { block, blockPage, blockWithTransactions, publishedBlocks } from "./reads/block-facts.ts";
import { failures } from "./reads/set-asides.ts";
import { blocksOfEntries, logBlocks } from "./reads/log-blocks.ts";
import { head } from "./reads/head.ts";
import { status } from "./reads/status.ts";
import { transaction } from "./reads/transaction.ts";
import { mineIfDue, requestMining } from "./decisions/request-mining.ts";
import { reserve } from "./decisions/reserve.ts";
import {
  beginRestore,
  endRestore,
  restoreBlock,
  restoreErasures,
  type ErasuresPage,
  type RestoreEnding,
} from "./decisions/restore.ts";
import { migrate } from "./storage/schema.ts";
import { seal } from "./decisions/seal.ts";
import { noteMoved, setAside, type SetAsideRequest } from "./decisions/set-aside.ts";
import { requestRevocation } from "./decisions/signing-keys.ts";
import { minedAmong, knownStates } from "./reads/known-states.ts";
import { pendingPage } from "./reads/waiting.ts";
import { noteSwept, sweepPlaces, type SweepPlaces } from "./decisions/sweep.ts";
import { erasedAmong, withdraw } from "./decisions/withdraw.ts";
import { parkAgain, publishAgain, requeueAll } from "./outbox/requeue.ts";

/**
 * The single writer of the chain: one object per chain, named by CHAIN_ID. It is a global singleton on purpose, because it is the
 * atom of coordination. Each decision is one synchronous transaction without I/O; the alarm does the effects outside that follow
 * from it: docs/design.md#the-chain-head
 */
export class ChainHead extends DurableObject<Env> {
  readonly #rules = chainRules(this.env);
  readonly #log = logger("chain-head", { chainId: this.#chainId });

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(() => this.#begin());
  }

  /**
   * Begins a life. Before it answers any call, the object looks for a chain in R2 and KV: a chain there means that the earlier
   * life lost its storage. If R2 or KV can't be read, the object fails and looks again at the next call.
   */
  async #begin(): Promise<void> {
    const { storage } = this.ctx;
    storage.transactionSync(() => migrate(this.#sql));
    if (hasLife(this.#sql)) return;
    const traces = await lookForChain(this.env);
    storage.transactionSync(() => {
      beginLife(this.#sql, Date.now(), crypto.randomUUID());
      haltIfLost(this.#sql, traces, Date.now());
    });
  }

  get #sql() {
    return this.ctx.storage.sql;
  }

  get #chainId() {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("the chain head is addressed by its chain's name");
    return name;
  }

  async #decide<T>(decision: (now: number) => T): Promise<T> {
    const answer = this.ctx.storage.transactionSync(() => decision(Date.now()));
    await setAlarmNoLaterThan(this.ctx.storage, nextDue(this.#sql, this.#rules));
    return answer;
  }

  override async alarm(): Promise<void> {
    const log = this.#log.with({ requestId: crypto.randomUUID(), cause: "alarm" });
    const next = await workOutbox(this.#sql, this.env, this.#rules, Date.now, log);
    await setAlarmNoLaterThan(this.ctx.storage, next);
  }

  admit(entries: readonly AdmissionRequest[]) {
    return this.#decide((now) => admit(this.#sql, entries, this.#rules, now));
  }

  awaitPayment(intents: readonly Intent[]) {
    return this.#decide(() => awaitPayment(this.#sql, intents));
  }

  intentMissing(txId: string) {
    return this.#decide(() => intentMissing(this.#sql, txId));
  }

  /** Takes the operator's request: in the mode `approval`, only this call approves mining. */
  requestMining() {
    return this.#decide((now) => requestMining(this.#sql, this.#rules, now));
  }

  /** Requests mining when enough transactions wait, or one has waited long enough. The cron of the miner calls it. */
  mineIfDue() {
    return this.#decide((now) => mineIfDue(this.#sql, this.#rules, now));
  }

  /** Takes the miner's report of the keys that it holds. */
  minerKeys(keys: Omit<MinerKeys, "at">) {
    return this.#decide((now) => setValue(this.#sql, "minerKeys", { ...keys, at: now }));
  }

  revokeKey(request: KeyRevocation) {
    return this.#decide((now) => requestRevocation(this.#sql, request, now));
  }

  /** Ids of the encryption keys that the miner last reported; null before its first report. */
  openableKeys() {
    return getValue(this.#sql, "minerKeys")?.keyIds ?? null;
  }

  reserve() {
    return this.#decide((now) => reserve(this.#sql, this.#chainId, this.#rules, now));
  }

  setAside(request: SetAsideRequest) {
    return this.#decide((now) => setAside(this.#sql, this.#chainId, request, now));
  }

  noteMoved(txIds: readonly string[]) {
    return this.#decide(() => noteMoved(this.#sql, txIds));
  }

  sweepPlaces() {
    return sweepPlaces(this.#sql);
  }

  noteSwept(folder: keyof SweepPlaces, through: string | null) {
    return this.#decide(() => noteSwept(this.#sql, folder, through));
  }

  readmit(txIds: readonly string[]) {
    return this.#decide((now) => readmit(this.#sql, txIds, now));
  }

  erase(txId: string, isParked: boolean) {
    return this.#decide((now) => erase(this.#sql, txId, isParked, now));
  }

  withdraw(txIds: readonly string[]) {
    return this.#decide((now) => withdraw(this.#sql, txIds, now));
  }

  erasedAmong(txIds: readonly string[]) {
    return erasedAmong(this.#sql, txIds);
  }

  seal(blockNumber: number, previousHash: string, sealed: SealedBlock) {
    return this.#decide((now) => seal(this.#sql, blockNumber, previousHash, sealed, now));
  }

  persisted(report: PersistedReport) {
    return this.#decide((now) => persisted(this.#sql, report, now));
  }

  indexed(report: StageReport) {
    return this.#decide((now) => indexed(this.#sql, report, now));
  }

  cleaned(report: StageReport) {
    return this.#decide((now) => cleaned(this.#sql, report, now));
  }

  checkpointed(size: number) {
    return this.#decide((now) => checkpointed(this.#sql, size, now));
  }

  requeueAll() {
    return this.#decide(() => {
      parkAgain(this.#sql);
      requeueAll(this.#sql);
    });
  }

  publishAgain(verified: Parameters<typeof publishAgain>[1]) {
    return this.#decide((now) => publishAgain(this.#sql, verified, now));
  }

  /** Decides before the first block whether a chain may begin here. It reads R2 and KV outside the decision. */
  async allowGenesis() {
    const traces = await lookForChain(this.env);
    return this.#decide((now) => allowGenesis(this.#sql, traces, now));
  }

  beginRestore() {
    return this.#decide((now) => beginRestore(this.#sql, now));
  }

  restoreErasures(page: ErasuresPage) {
    return this.#decide((now) => restoreErasures(this.#sql, page, now));
  }

  restoreBlock(block: RestoredBlock) {
    return this.#decide((now) => restoreBlock(this.#sql, block, now));
  }

  endRestore(ending: RestoreEnding) {
    return this.#decide((now) => endRestore(this.#sql, this.#rules, ending, now));
  }

  countIgnored(reason: IgnoredReason) {
    return this.#decide(() => countIgnored(this.#sql, reason));
  }

  /** @param life of the chain head that handed the block to the Worker; a Worker of an earlier life halts nothing */
  halt(reason: string, life?: string) {
    return this.#decide((now) => {
      const fields = { requestId: crypto.randomUUID(), reason };
      if (haltBy(this.#sql, reason, life, now) === "halted") this.#log.error("chain.halted", fields);
      else this.#log.warn("halt.stale", fields);
    });
  }

  async resume(by: string, reason: string) {
    const traces = awaitsRestore(this.#sql) ? await lookForChain(this.env) : { archive: false, kv: false };
    const resumed = await this.#decide(() => resume(this.#sql, traces.archive || traces.kv));
    this.#log.warn("chain.resumed", { requestId: crypto.randomUUID(), by, reason, resumed });
    return resumed;
  }

  head() {
    return head(this.#sql, this.#chainId);
  }

  block(blockNumber: number) {
    return block(this.#sql, blockNumber);
  }

  blockWithTransactions(blockNumber: number) {
    return blockWithTransactions(this.#sql, blockNumber);
  }

  transaction(txId: string) {
    return transaction(this.#sql, txId);
  }

  /** Returns the transaction, or its submission that waits to be admitted. Both are read at one moment. */
  whereIs(txId: string) {
    return {
      transaction: transaction(this.#sql, txId),
      intent: intent(this.#sql, txId, this.#rules),
      indexedThrough: getValue(this.#sql, "indexedThrough") ?? null,
    };
  }

  paidIntents(after: string, limit: number) {
    return paidIntents(this.#sql, after, limit);
  }

  knownStates(txIds: readonly string[], blockNumbers: readonly number[]) {
    return knownStates(this.#sql, txIds, blockNumbers);
  }

  minedAmong(txIds: readonly string[]) {
    return minedAmong(this.#sql, txIds);
  }

  status() {
    return status(this.#sql, this.#rules);
  }

  measures() {
    return measures(this.#sql);
  }

  /** Size of the object's storage, in bytes. */
  databaseBytes() {
    return this.ctx.storage.sql.databaseSize;
  }

  /** Returns the ledger entries that the rules across transactions read: owners of assets, and registered users. */
  ledger(keys: LedgerKeys) {
    return ledger(this.#sql, keys);
  }

  /** Returns the chain's state by which `accounts` decides whether a submission can succeed. */
  outlook(txId: string, keys: LedgerKeys, grants: readonly string[]) {
    return outlook(this.#sql, txId, keys, grants);
  }

  assets(assetIds: readonly string[]) {
    return assets(this.#sql, assetIds);
  }

  beginAssetWrites(writer: string) {
    return this.#decide((now) => beginAssetWrites(this.#sql, writer, this.#rules, now));
  }

  endAssetWrites(writer: string) {
    return this.#decide(() => endAssetWrites(this.#sql, writer));
  }

  publishedBlocks(before: number, limit: number) {
    return publishedBlocks(this.#sql, before, limit);
  }

  logBlocks(from: number, limit: number) {
    return logBlocks(this.#sql, from, limit);
  }

  blocksOfEntries(first: number, end: number) {
    return blocksOfEntries(this.#sql, first, end);
  }

  blockPage(before: number, limit: number) {
    return blockPage(this.#sql, before, limit);
  }

  backlogs() {
    return backlogs(this.env);
  }

  pendingPage(after: number | null, limit: number) {
    return pendingPage(this.#sql, after, limit);
  }

  failures(limit: number) {
    return failures(this.#sql, limit);
  }
}

/** The Worker answers no HTTP; other Workers call the object. */
export default {
  fetch: () => new Response("the chain head answers no HTTP: ask the gateway", { status: 404 }),
} satisfies ExportedHandler<Env>;
