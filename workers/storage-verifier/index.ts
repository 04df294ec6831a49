import type { IndexedStatus } from "../../shared/chain/document.ts";
import { WorkerEntrypoint } from "cloudflare:workers";
import { measureBacklog } from "../../shared/queue/backlog.ts";
import { consume } from "../../shared/queue/consume.ts";
import { VerifyStorage } from "../../shared/queue/messages.ts";
import { documentIndex } from "../../shared/objects/document-index.ts";
import type { FoundDocument } from "../../shared/storage/documents.ts";
import type { StoredRecord } from "../../shared/storage/records.ts";
import type { DocumentPage, DocumentTotals } from "../../shared/api/storage-report.ts";
import { acceptCopy } from "./verify/accept-copy.ts";
import { acceptRecord } from "./restore/accept-record.ts";
import { daily } from "./runs/daily.ts";
import { logOf, storageRuns, type Env } from "./env.ts";
import { startRestore } from "./restore/restore-chunk.ts";
import { resumeRun } from "./runs/resume.ts";
import { listStored } from "./listing/status.ts";
import { verifyAll } from "./verify/verify-all.ts";
import { acceptDocument, verifyDocumentForOperator } from "./documents/verify-one-document.ts";
import { verifyForOperator } from "./verify/verify-one.ts";
import { consumeMessage } from "./runs/consume-message.ts";

export { DocumentIndex } from "./documents/document-index.ts";
export { StorageRuns } from "./runs/storage-runs.ts";

const queue = consume("storage-verifier", VerifyStorage, consumeMessage);
/** The gateway calls these methods for an operator; the cron and the queue call `scheduled` and `queue`. */
export default class StorageVerifier extends WorkerEntrypoint<Env> {
  override queue(batch: MessageBatch): Promise<void> {
    return queue(batch, this.env, this.ctx);
  }

  override scheduled(): Promise<void> {
    return daily(this.env);
  }

  status(from: number, limit: number) {
    return listStored(from, limit, this.env);
  }

  verify(blockNumber: number, repair: boolean, requestId: string) {
    return verifyForOperator(blockNumber, repair, this.env, logOf(requestId));
  }

  verifyAll(request: { repair: boolean; by: string }, requestId: string) {
    return verifyAll(request, this.env, logOf(requestId));
  }

  accept(blockNumber: number, bytes: Uint8Array<ArrayBuffer>, requestId: string) {
    return acceptCopy(blockNumber, bytes, this.env, logOf(requestId));
  }

  /** Finds a document; null when it was never stored. */
  async findDocument(documentId: string): Promise<FoundDocument | null | "reindexing"> {
    return documentIndex(this.env).find(documentId);
  }

  async documents(
    after: string,
    limit: number,
    status: IndexedStatus | undefined,
  ): Promise<DocumentPage | "reindexing"> {
    return documentIndex(this.env).page(after, limit, status);
  }

  /** @throws Error while the index is incomplete: unknown is not zero */
  async documentTotals(): Promise<DocumentTotals> {
    const totals = await documentIndex(this.env).totals();
    if (totals === "reindexing") throw new Error("the index of documents is being made anew");
    return totals;
  }

  verifyDocument(documentId: string, repair: boolean, requestId: string) {
    return verifyDocumentForOperator(documentId, repair, this.env, logOf(requestId));
  }

  acceptDocument(documentId: string, bytes: Uint8Array<ArrayBuffer>, requestId: string) {
    return acceptDocument(documentId, bytes, this.env, logOf(requestId));
  }

  acceptRecord(record: StoredRecord, requestId: string) {
    return acceptRecord(record, this.env, logOf(requestId));
  }

  restore(by: string, requestId: string) {
    return startRestore(by, this.env, logOf(requestId));
  }

  summary() {
    return storageRuns(this.env).summary();
  }

  /** Size of the storage of its Durable Objects, in bytes. */
  async databaseBytes() {
    return storageRuns(this.env).databaseBytes();
  }

  async documentIndexBytes() {
    return documentIndex(this.env).databaseBytes();
  }

  /** Backlog of its own queue. */
  backlog() {
    return measureBacklog(this.env.STORAGE_VERIFIER_QUEUE);
  }

  runs() {
    return storageRuns(this.env).list();
  }

  run(id: string) {
    return storageRuns(this.env).findWithResults(id);
  }

  resume(id: string) {
    return resumeRun(id, this.env);
  }

  abort(id: string, by: string) {
    return storageRuns(this.env).end(id, "aborted", `aborted by ${by}`);
  }
}
