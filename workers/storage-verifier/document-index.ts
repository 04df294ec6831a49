import { DurableObject } from "cloudflare:workers";
import type { IndexedDocument } from "../../shared/storage/documents.ts";
import { errorText, logger } from "../../shared/log.ts";
import { migrateTo } from "../../shared/sqlite.ts";
import type { DocumentPage, DocumentReport, DocumentTotals } from "../../shared/storage/report.ts";
import * as rows from "./document-rows.ts";
import type { Env } from "./env.ts";
import { reindexPage, type IndexStore } from "./reindex-documents.ts";

/** Pause in milliseconds after a page that could not be read. */
const PAUSE_AFTER_FAILURE = 2_000;

/**
 * Indexes every stored document, with the CID of its record and the result of its latest verification: one object per chain,
 * named by CHAIN_ID. So a document that R2 has lost is known and can be restored from IPFS. A lost index is rebuilt from R2;
 * until it is complete, a document that it lacks may still exist.
 */
export class DocumentIndex extends DurableObject<Env> {
  readonly #log = logger("storage-verifier", { chainId: this.env.CHAIN_ID });
  readonly #store: IndexStore = {
    sql: this.ctx.storage.sql,
    decide: (decision) => this.ctx.storage.transactionSync(decision),
  };

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () => {
      this.#store.decide(() => migrateTo(this.#sql, rows.DOCUMENT_MIGRATIONS, "the document index's"));
      await this.#reindex();
    });
  }

  get #sql() {
    return this.ctx.storage.sql;
  }

  get #isWhole(): boolean {
    return rows.reindexedThrough(this.#sql) === undefined;
  }

  /** Decides whether the index is complete. Until it is, each call reads one page more. */
  async #becomesWhole(): Promise<boolean> {
    if (!this.#isWhole) await this.#reindex();
    return this.#isWhole;
  }

  /** Reads the first page at once: a small deployment has no more. The alarm reads the other pages. */
  async #reindex(): Promise<void> {
    const log = this.#log.with({ requestId: crypto.randomUUID() });
    const [outcome] = await Promise.allSettled([reindexPage(this.#store, this.env, log)]);
    if (outcome.status === "rejected")
      log.warn("documents.not_reindexed", { error: errorText(outcome.reason) });
    if (this.#isWhole) return;
    await this.ctx.storage.setAlarm(Date.now() + (outcome.status === "rejected" ? PAUSE_AFTER_FAILURE : 0));
  }

  override alarm(): Promise<void> {
    return this.#reindex();
  }

  /** Notes a document that R2 and IPFS hold. Durable when it returns. */
  note(document: IndexedDocument): void {
    this.#store.decide(() => rows.noteStored(this.#sql, [document], { status: "ok", at: Date.now() }));
  }

  /** Finds a document; null when it was never stored. */
  async find(id: string): Promise<IndexedDocument | null | "reindexing"> {
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
    status: rows.DocumentStatus | undefined,
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
