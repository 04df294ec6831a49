import type { IndexedStatus } from "../../../shared/chain/document.ts";
import type { FoundDocument, IndexedDocument } from "../../../shared/storage/documents.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { DocumentPage, DocumentReport, DocumentTotals } from "../../../shared/api/storage-report.ts";

/** Each entry moves the schema one version on and never changes afterwards. Times are milliseconds since the epoch. */
export const DOCUMENT_MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE document (
      id TEXT PRIMARY KEY,
      cid TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      status TEXT NOT NULL,
      checked_at INTEGER NOT NULL
    ) WITHOUT ROWID`,
    "CREATE INDEX document_checked ON document (checked_at)",
    "CREATE INDEX document_of_status ON document (status, id)",
    "CREATE TABLE document_count (status TEXT PRIMARY KEY, documents INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO document_count (status, documents) VALUES ('unverified', 0), ('ok', 0), ('partial', 0), ('failed', 0)",
    `CREATE TRIGGER document_noted AFTER INSERT ON document BEGIN
      UPDATE document_count SET documents = documents + 1 WHERE status = NEW.status;
    END`,
    `CREATE TRIGGER document_checked_again AFTER UPDATE OF status ON document BEGIN
      UPDATE document_count SET documents = documents - 1 WHERE status = OLD.status;
      UPDATE document_count SET documents = documents + 1 WHERE status = NEW.status;
    END`,
    "CREATE TABLE rehydrated (tier TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID",
    // While a row exists, R2's list has been read up to this key and not to its end.
    "CREATE TABLE reindex (only INTEGER PRIMARY KEY CHECK (only = 1), after TEXT NOT NULL)",
    "INSERT INTO reindex (only, after) VALUES (1, '')",
  ],
  // Which list is read: R2's up to the key `after`, then the pinning service's up to the page token `after`.
  ["ALTER TABLE reindex ADD COLUMN list TEXT NOT NULL DEFAULT 'r2'"],
  // The outbox: documents that R2 has or may get and that are not pinned yet; due: when the document is enqueued next.
  [
    "CREATE TABLE to_pin (id TEXT PRIMARY KEY, due INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX to_pin_due ON to_pin (due)",
  ],
];

type DocumentRow = {
  id: string;
  cid: string;
  bytes: number;
  status: IndexedStatus;
  checked_at: number;
};

/** Notes stored documents. The first CID of a document stays, because blocks may commit to it. */
export function noteStored(
  sql: Sql,
  documents: readonly IndexedDocument[],
  checked: { readonly status: IndexedStatus; readonly at: number },
): void {
  for (const { id, cid, bytes } of documents)
    sql.exec(
      "INSERT INTO document (id, cid, bytes, status, checked_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
      id,
      cid,
      bytes,
      checked.status,
      checked.at,
    );
}

/** Notes that R2 and IPFS were both seen to hold the document. */
export function notePinned(sql: Sql, id: string, now: number): void {
  noteStatus(sql, id, "ok", now);
}

function noteStatus(sql: Sql, id: string, status: IndexedStatus, now: number): void {
  sql.exec("UPDATE document SET status = ?, checked_at = ? WHERE id = ?", status, now, id);
  if (status === "ok") sql.exec("DELETE FROM to_pin WHERE id = ?", id);
}

/** Notes the results of verification. A report of a document that is not in the index changes nothing. */
export function noteChecked(sql: Sql, reports: readonly DocumentReport[], now: number): void {
  for (const { documentId, status, rehydrated } of reports) {
    noteStatus(sql, documentId, status === "rehydrated" ? "ok" : status, now);
    for (const tier of Object.keys(rehydrated))
      sql.exec(
        "INSERT INTO rehydrated (tier, count) VALUES (?, 1) ON CONFLICT (tier) DO UPDATE SET count = count + 1",
        tier,
      );
  }
}

export function findIndexed(sql: Sql, id: string): FoundDocument | null {
  const [row] = sql
    .exec<Omit<DocumentRow, "checked_at">>("SELECT id, cid, bytes, status FROM document WHERE id = ?", id)
    .toArray();
  return row ?? null;
}

/** Returns the next documents behind this id, in the order of ids. */
export function documentsAfter(sql: Sql, after: string, limit: number): readonly DocumentRow[] {
  return sql
    .exec<DocumentRow>(
      "SELECT id, cid, bytes, status, checked_at FROM document WHERE id > ? ORDER BY id LIMIT ?",
      after,
      limit,
    )
    .toArray();
}

/** Like `documentsAfter`, but only documents with one status. */
export function documentsOfStatus(
  sql: Sql,
  status: IndexedStatus,
  after: string,
  limit: number,
): readonly DocumentRow[] {
  return sql
    .exec<DocumentRow>(
      "SELECT id, cid, bytes, status, checked_at FROM document WHERE status = ? AND id > ? ORDER BY id LIMIT ?",
      status,
      after,
      limit,
    )
    .toArray();
}

export function pageOf(rows: readonly DocumentRow[], limit: number): DocumentPage {
  return {
    documents: rows.map(({ id, cid, bytes, status, checked_at }) => ({
      documentId: id,
      documentCid: cid,
      bytes,
      status,
      checkedAt: checked_at === 0 ? null : checked_at,
    })),
    next: rows.length < limit ? null : (rows.at(-1)?.id ?? null),
  };
}

export function totals(sql: Sql): DocumentTotals {
  const rows = sql
    .exec<{ status: string; documents: number }>("SELECT status, documents FROM document_count")
    .toArray();
  const times = sql.exec<{ tier: string; count: number }>("SELECT tier, count FROM rehydrated").toArray();
  const of = (status: IndexedStatus) => rows.find((row) => row.status === status)?.documents ?? 0;
  const timesOf = (name: string) => times.find(({ tier }) => tier === name)?.count ?? 0;
  const [oldest] = sql
    .exec<{ checked_at: number }>("SELECT checked_at FROM document ORDER BY checked_at LIMIT 1")
    .toArray();
  return {
    total: rows.reduce((sum, { documents }) => sum + documents, 0),
    unverified: of("unverified"),
    partial: of("partial"),
    failed: of("failed"),
    verifiedSince: oldest === undefined || oldest.checked_at === 0 ? null : oldest.checked_at,
    rehydrated: { r2: timesOf("r2"), ipfs: timesOf("ipfs") },
  };
}

/** How far an index that was lost has been made anew. R2's list is read to its end, then that of the pinning service. */
export interface Reindex {
  readonly list: "r2" | "pins";
  /** The last key of R2, or the token of the next page of pins; empty at the beginning of the list. */
  readonly after: string;
}

/** `undefined`: the index is whole. */
export function reindexing(sql: Sql): Reindex | undefined {
  const [row] = sql
    .exec<{ list: Reindex["list"]; after: string }>("SELECT list, after FROM reindex")
    .toArray();
  return row && { list: row.list, after: row.after };
}

/** @param after `undefined`: the page that was read was the last of its list */
export function moveReindex(sql: Sql, list: Reindex["list"], after: string | undefined): void {
  if (after !== undefined) sql.exec("UPDATE reindex SET list = ?, after = ?", list, after);
  else if (list === "r2") sql.exec("UPDATE reindex SET list = 'pins', after = ''");
  else sql.exec("DELETE FROM reindex");
}
