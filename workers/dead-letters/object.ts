import { DurableObject } from "cloudflare:workers";
import type {
  DeadLetterEntry,
  DeadLetterFilter,
  Dismissed,
  Replay,
  ReplayPlan,
  Selection,
} from "../../shared/api/dead-letters.ts";
import type { DeadLetterCounts } from "../../shared/objects/dead-letters.ts";
import { setAlarmNoLaterThan } from "../../shared/durable-object/alarm.ts";
import { errorText, logger } from "../../shared/runtime/log.ts";
import type { StageName } from "../../shared/pipeline.ts";
import { runDueTasks, nextDue } from "./alarm.ts";
import {
  dismissSelected,
  planDismissal,
  type DismissalRefusal,
  type DismissalRequest,
} from "./entries/dismissals.ts";
import * as entries from "./entries/entries.ts";
import { note } from "./entries/note.ts";
import type { Env } from "./env.ts";
import { eraseLetters } from "./entries/erase.ts";
import { lettersOf } from "./entries/erased.ts";
import { getValue } from "./key-values.ts";
import { planReplay } from "./replay/plan.ts";
import type { ParkedFacts } from "./entries/record.ts";
import { abortByOperator } from "./replay/recovery.ts";
import { recoveries } from "./replay/recovery-store.ts";
import { reindexPage } from "./entries/reindex.ts";
import { createReplay, type NewReplay, type ReplayRefusal } from "./replay/create.ts";
import { replays, replayWithItems } from "./replay/list.ts";
import { restoreRecord, type RestoredRecord } from "./entries/restore-record.ts";
import { migrate } from "./schema.ts";
import type { Store } from "./store.ts";

/**
 * The index of the messages parked in R2, with their states and replays: one object per chain, named by CHAIN_ID. The records in
 * R2 are authoritative; the index can be rebuilt from them.
 */
export class DeadLetters extends DurableObject<Env> {
  readonly #log = logger("dead-letters", { chainId: this.env.CHAIN_ID });
  readonly #store: Store = {
    sql: this.ctx.storage.sql,
    decide: (decision) => this.ctx.storage.transactionSync(() => decision(Date.now())),
  };

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () => {
      this.#store.decide(() => migrate(this.#store.sql));
      await this.#reindex();
      await setAlarmNoLaterThan(this.ctx.storage, nextDue(this.#store));
    });
  }

  /** Reads the first page at once: a deployment without dead letters has no more. The alarm reads the other pages. */
  async #reindex(): Promise<void> {
    const log = this.#log.with({ requestId: crypto.randomUUID() });
    const [outcome] = await Promise.allSettled([reindexPage(this.#store, this.env, log)]);
    if (outcome.status === "rejected")
      log.warn("duty.failed", { duty: "reindex", error: errorText(outcome.reason) });
  }

  /** False while the records of R2 are being read: until then the index may lack some of them. */
  get #isWhole(): boolean {
    return getValue(this.#store.sql, "reindex") === undefined;
  }

  /** Answers "reindexing" instead of "unknown" for an entry that may not be read yet. */
  #found(entry: DeadLetterEntry | null): DeadLetterEntry | null | "reindexing" {
    return entry === null && !this.#isWhole ? "reindexing" : entry;
  }

  async #decide<T>(decision: (now: number) => T): Promise<T> {
    const answer = this.#store.decide(decision);
    await setAlarmNoLaterThan(this.ctx.storage, nextDue(this.#store));
    return answer;
  }

  override async alarm(): Promise<void> {
    const log = this.#log.with({ requestId: crypto.randomUUID(), cause: "alarm" });
    await setAlarmNoLaterThan(this.ctx.storage, await runDueTasks(this.#store, this.env, Date.now, log));
  }

  note(parked: ParkedFacts) {
    return this.#decide((now) => note(this.#store.sql, parked, now));
  }

  /** Puts a record of an export back into R2, and opens an entry for it that waits for an operator. */
  async restoreRecord(id: string, bytes: Uint8Array<ArrayBuffer>): Promise<RestoredRecord> {
    const restored = await restoreRecord(this.#store, this.env, { id, bytes });
    await setAlarmNoLaterThan(this.ctx.storage, nextDue(this.#store));
    return restored;
  }

  /** @returns keys of the records that held the transaction's envelope, also if it was erased before */
  async erase(txId: string, erasure: { by: string; reason: string }): Promise<string[] | "reindexing"> {
    if (!this.#isWhole) return "reindexing";
    return eraseLetters(this.#store, this.env, { txId, ...erasure, at: Date.now() });
  }

  /** Lists the dead letters of a transaction. */
  letters(txId: string) {
    return this.#isWhole ? lettersOf(this.#store.sql, txId) : "reindexing";
  }

  resolved(block: { stage: StageName; blockNumber: number }) {
    return this.#decide(() => entries.resolved(this.#store.sql, block));
  }

  async dismiss(id: string, dismissal: { by: string; reason: string }) {
    return this.#found(await this.#decide((now) => entries.dismiss(this.#store.sql, id, dismissal, now)));
  }

  planDismissal(select: Selection) {
    return this.#isWhole ? planDismissal(this.#store.sql, select, Date.now()) : "reindexing";
  }

  async dismissSelected(
    request: DismissalRequest,
    by: string,
  ): Promise<Dismissed | DismissalRefusal | "reindexing"> {
    if (!this.#isWhole) return "reindexing";
    return this.#decide((now) => dismissSelected(this.#store.sql, request, by, now));
  }

  entry(id: string) {
    return this.#found(entries.entry(this.#store.sql, id));
  }

  /** @throws Error while the index is incomplete: unknown is not "few" */
  counts(): DeadLetterCounts {
    if (!this.#isWhole) throw new Error("the index of the dead letters is being made anew from R2");
    return { ...entries.counts(this.#store.sql), recovering: recoveries(this.#store.sql) };
  }

  /** Lists the stages whose letters are replayed automatically. */
  recoveries() {
    return recoveries(this.#store.sql);
  }

  /** Size of the object's storage, in bytes. */
  databaseBytes() {
    return this.ctx.storage.sql.databaseSize;
  }

  list(filter: DeadLetterFilter, after: entries.Cursor | null, limit: number) {
    return this.#isWhole ? entries.list(this.#store.sql, filter, after, limit, Date.now()) : "reindexing";
  }

  async plan(select: Selection): Promise<ReplayPlan | ReplayRefusal | "reindexing"> {
    return this.#isWhole ? planReplay(this.#store.sql, this.env, select, Date.now()) : "reindexing";
  }

  async createReplay(
    request: NewReplay,
    by: string,
    key: string | null,
  ): Promise<Replay | ReplayRefusal | "reindexing"> {
    if (!this.#isWhole) return "reindexing";
    const id = crypto.randomUUID();
    return this.#decide((now) => createReplay(this.#store.sql, request, { id, by, key }, now));
  }

  abortReplay(id: string) {
    return this.#decide((now) => abortByOperator(this.#store.sql, id, now));
  }

  replay(id: string) {
    return replayWithItems(this.#store.sql, id);
  }

  replays() {
    return replays(this.#store.sql);
  }
}
