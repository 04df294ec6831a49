import type { IndexedStatus } from "../../../shared/chain/document.ts";
import { DurableObject } from "cloudflare:workers";
import type { FoundDocument, IndexedDocument } from "../../../shared/storage/documents.ts";
import { setAlarmNoLaterThan } from "../../../shared/durable-object/alarm.ts";
import { withDeadline } from "../../../shared/runtime/deadline.ts";
import { errorText, logger } from "../../../shared/runtime/log.ts";
import { RetryLater } from "../../../shared/runtime/errors.ts";
import { migrateTo } from "../../../shared/durable-object/sqlite.ts";
import { pinnerOf } from "../../../shared/storage/tiers.ts";
import type { DocumentPage, DocumentReport, DocumentTotals } from "../../../shared/api/storage-report.ts";
import * as rows from "./document-rows.ts";
import type { Env } from "../env.ts";
import { reindexPage, type DocumentLists, type IndexStore } from "./reindex-documents.ts";
import * as toPin from "./to-pin.ts";

/** Pause after a page that could not be read, or messages that the queue did not take. */
const PAUSE_AFTER_FAILURE_MS = 5_000;
const DEADLINE_MS = 15_000;
/** Time between two pages of the pinning service's list: half of the 60 requests a minute of Pinata's smallest plan. */
const PIN_PAGE_EVERY_MS = 2_000;

/**
 * Indexes every stored document, with the CID of its record and the result of its latest verification: one object per chain,
 * named by CHAIN_ID. So a document that R2 has lost is known and can be restored from IPFS. A lost index is rebuilt from the lists
 * of R2 and of the pinning service; until it is complete, a document that it lacks may still exist.
 */
export class DocumentIndex extends DurableObject<Env> {
  readonly #log = logger("storage-verifier", { chainId: this.env.CHAIN_ID });
  readonly #store: IndexStore = {
    sql: this.ctx.storage.sql,
    decide: (decision) => this.ctx.storage.transactionSync(decision),
  };
  readonly #lists: DocumentLists = {
    bucket: this.env.R2,
    pinner: () => pinnerOf(this.env),
    chainId: this.env.CHAIN_ID,
  };
  #reading: Promise<void> | undefined;
  /** When the next page may be read, in milliseconds since the epoch. */
  #nextPageAt = 0;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () => {
      this.#store.decide(() => migrateTo(this.#sql, rows.DOCUMENT_MIGRATIONS, "the document index's"));
      // R2's first page at once: in a small deployment that is all. The pinning service may take longer than a constructor may.
      if (rows.reindexing(this.#sql)?.list === "r2") await this.#becomesWhole();
      await setAlarmNoLaterThan(this.ctx.storage, toPin.nextPin(this.#sql));
    });
  }

  get #sql() {
    return this.ctx.storage.sql;
  }

  get #isWhole(): boolean {
    return rows.reindexing(this.#sql) === undefined;
  }

  /** Decides whether the index is complete. Until it is, a call reads one page more, unless the next page is not due yet. */
  async #becomesWhole(): Promise<boolean> {
    if (!this.#isWhole && this.#nextPageAt <= Date.now()) await this.#reindex();
    return this.#isWhole;
  }

  /** Reads one page at a time, however many calls ask. The alarm reads the other pages. */
  #reindex(): Promise<void> {
    this.#reading ??= this.#readPage().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readPage(): Promise<void> {
    const log = this.#log.with({ requestId: crypto.randomUUID() });
    const before = rows.reindexing(this.#sql);
    const [outcome] = await Promise.allSettled([reindexPage(this.#store, this.#lists, log)]);
    if (outcome.status === "rejected")
      log.warn("documents.not_reindexed", { list: before?.list, error: errorText(outcome.reason) });
    if (this.#isWhole) return;
    const isPacing = before?.list === "pins" && outcome.status === "fulfilled";
    const pause =
      outcome.status === "rejected" ? pauseAfter(outcome.reason) : isPacing ? PIN_PAGE_EVERY_MS : 0;
    this.#nextPageAt = Date.now() + pause;
    await setAlarmNoLaterThan(this.ctx.storage, this.#nextPageAt);
  }

  override async alarm(): Promise<void> {
    await this.#becomesWhole();
    const pausedUntil = await this.#enqueueDue();
    await setAlarmNoLaterThan(this.ctx.storage, pausedUntil ?? toPin.nextPin(this.#sql));
    if (!this.#isWhole) await setAlarmNoLaterThan(this.ctx.storage, this.#nextPageAt);
  }

  /**
   * Enqueues the documents that are due for their pin.
   * @returns milliseconds since the epoch when it must be tried again, if the queue did not take them
   */
  async #enqueueDue(): Promise<number | undefined> {
    const due = toPin.duePins(this.#sql, Date.now());
    if (due.length === 0) return undefined;
    const messages = due.map(({ id }) => ({ body: { v: 1, kind: "document", documentId: id } as const }));
    try {
      await withDeadline(DEADLINE_MS, "documents.enqueue", () =>
        this.env.STORAGE_VERIFIER_QUEUE.sendBatch(messages),
      );
    } catch (error) {
      this.#log.warn("documents.not_enqueued", { count: due.length, error: errorText(error) });
      return Date.now() + PAUSE_AFTER_FAILURE_MS;
    }
    this.#store.decide(() => toPin.noteEnqueued(this.#sql, due, Date.now()));
    return undefined;
  }

  /**
   * Notes that R2 may get this document. Durable when it resolves.
   * @returns the document if the index knows it; then nothing is noted
   */
  async noteArriving(id: string): Promise<FoundDocument | null | "reindexing"> {
    const known = await this.find(id);
    if (known !== null) return known;
    this.#store.decide(() => toPin.noteArriving(this.#sql, id, Date.now()));
    await setAlarmNoLaterThan(this.ctx.storage, toPin.nextPin(this.#sql));
    return null;
  }

  /**
   * Notes a document that R2 holds, and has it pinned. Durable when it resolves. The record that the index knows stays.
   * @returns its status
   */
  async note(document: IndexedDocument): Promise<IndexedStatus> {
    const status = this.#store.decide(() => toPin.noteToPin(this.#sql, document, Date.now()));
    await setAlarmNoLaterThan(this.ctx.storage, toPin.nextPin(this.#sql));
    return status;
  }

  /** Notes that R2 and IPFS were both seen to hold the document. */
  notePinned(id: string): void {
    this.#store.decide(() => rows.notePinned(this.#sql, id, Date.now()));
  }

  /** Finds a document; null when it was never stored. */
  async find(id: string): Promise<FoundDocument | null | "reindexing"> {
    const found = rows.findIndexed(this.#sql, id);
    if (found !== null) return found;
    return (await this.#becomesWhole()) ? rows.findIndexed(this.#sql, id) : "reindexing";
  }

  noteChecked(reports: readonly DocumentReport[]): void {
    this.#store.decide(() => rows.noteChecked(this.#sql, reports, Date.now()));
  }

  /** Returns the next documents for a verification. */
  async after(id: string, limit: number): Promise<readonly IndexedDocument[] | "reindexing"> {
    if (!(await this.#becomesWhole())) return "reindexing";
    return rows.documentsAfter(this.#sql, id, limit).map(({ id, cid, bytes }) => ({ id, cid, bytes }));
  }

  async page(
    after: string,
    limit: number,
    status: IndexedStatus | undefined,
  ): Promise<DocumentPage | "reindexing"> {
    if (!(await this.#becomesWhole())) return "reindexing";
    const found =
      status === undefined
        ? rows.documentsAfter(this.#sql, after, limit)
        : rows.documentsOfStatus(this.#sql, status, after, limit);
    return rows.pageOf(found, limit);
  }

  /** Returns the totals. While the index is incomplete they are unknown, not low. */
  async totals(): Promise<DocumentTotals | "reindexing"> {
    return (await this.#becomesWhole()) ? rows.totals(this.#sql) : "reindexing";
  }

  /** Size of the object's storage, in bytes. */
  databaseBytes() {
    return this.#sql.databaseSize;
  }
}

/** Milliseconds. */
function pauseAfter(failure: unknown): number {
  return failure instanceof RetryLater ? failure.seconds * 1_000 : PAUSE_AFTER_FAILURE_MS;
}
