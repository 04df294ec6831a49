import { beforeEach, describe, expect, it } from "vitest";
import type { BlockStatus, DocumentReport } from "../../../../shared/api/storage-report.ts";
import { migrateTo } from "../../../../shared/durable-object/sqlite.ts";
import {
  DOCUMENT_MIGRATIONS,
  documentsAfter,
  documentsOfStatus,
  findIndexed,
  moveReindex,
  noteChecked,
  noteStored,
  pageOf,
  reindexing,
  totals,
} from "../../../../workers/storage-verifier/documents/document-rows.ts";
import { memorySql, type MemorySql } from "../../../support/stack/sqlite.ts";

let sql: MemorySql;
beforeEach(() => {
  sql = memorySql();
  migrateTo(sql, DOCUMENT_MIGRATIONS, "a test's");
});

const stored = (id: string, cid = `cid of ${id}`) => ({ id, cid, bytes: 100 });
const STORED = { status: "ok", at: 1_000 } as const;

function report(documentId: string, status: BlockStatus): DocumentReport {
  const present = { present: true, hash: "x" };
  return {
    documentId,
    documentCid: `cid of ${documentId}`,
    r2: present,
    ipfs: present,
    source: "ipfs",
    rehydrated: status === "rehydrated" ? { r2: "missing" } : {},
    status,
    message: status,
  };
}

describe("the index of documents", () => {
  it("keeps the first CID of a document, to which blocks may commit", () => {
    noteStored(sql, [stored("a")], STORED);
    noteStored(sql, [stored("a", "another signature's")], STORED);
    expect(findIndexed(sql, "a")).toEqual({ ...stored("a"), status: "ok" });
    expect(findIndexed(sql, "b")).toBeNull();
    expect(totals(sql).total).toBe(1);
  });

  it("counts documents by what their latest verification found, and copies that were restored", () => {
    noteStored(sql, [stored("a"), stored("b"), stored("c")], STORED);
    noteChecked(sql, [report("a", "failed"), report("b", "partial"), report("c", "rehydrated")], 2_000);
    expect(totals(sql)).toMatchObject({ total: 3, failed: 1, partial: 1, rehydrated: { r2: 1, ipfs: 0 } });
    noteChecked(sql, [report("a", "rehydrated"), report("b", "ok")], 3_000);
    expect(totals(sql)).toMatchObject({ total: 3, failed: 0, partial: 0, rehydrated: { r2: 2, ipfs: 0 } });
  });

  it("says since when every document was verified, and nothing while one was not", () => {
    expect(totals(sql).verifiedSince).toBeNull();
    noteStored(sql, [stored("a")], STORED);
    noteStored(sql, [stored("b")], { status: "unverified", at: 0 });
    expect(totals(sql)).toMatchObject({ unverified: 1, verifiedSince: null });
    noteChecked(sql, [report("b", "ok")], 2_000);
    expect(totals(sql)).toMatchObject({ unverified: 0, verifiedSince: 1_000 });
    noteChecked(sql, [report("a", "ok")], 3_000);
    expect(totals(sql).verifiedSince).toBe(2_000);
  });

  it("gives pages in the order of ids, of one status too", () => {
    noteStored(
      sql,
      ["c", "a", "e", "b", "d"].map((id) => stored(id)),
      STORED,
    );
    noteChecked(sql, [report("b", "failed"), report("d", "failed")], 2_000);
    const first = pageOf(documentsAfter(sql, "", 3), 3);
    expect(first.documents.map(({ documentId }) => documentId)).toEqual(["a", "b", "c"]);
    const second = pageOf(documentsAfter(sql, first.next ?? "", 3), 3);
    expect(second.documents.map(({ documentId }) => documentId)).toEqual(["d", "e"]);
    expect(second.next).toBeNull();
    expect(documentsOfStatus(sql, "failed", "b", 10).map(({ id }) => id)).toEqual(["d"]);
  });

  it("ignores a report of a document that it does not know", () => {
    noteChecked(sql, [report("a", "failed")], 2_000);
    expect(totals(sql)).toMatchObject({ total: 0, failed: 0 });
  });

  it("is not whole before the lists of R2 and of the pinning service have been read to their ends", () => {
    expect(reindexing(sql)).toEqual({ list: "r2", after: "" });
    moveReindex(sql, "r2", "documents/b.json");
    expect(reindexing(sql)).toEqual({ list: "r2", after: "documents/b.json" });
    moveReindex(sql, "r2", undefined);
    expect(reindexing(sql)).toEqual({ list: "pins", after: "" });
    moveReindex(sql, "pins", "a token");
    expect(reindexing(sql)).toEqual({ list: "pins", after: "a token" });
    moveReindex(sql, "pins", undefined);
    expect(reindexing(sql)).toBeUndefined();
  });
});
