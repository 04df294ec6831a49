import { beforeEach, describe, expect, it } from "vitest";
import { documentPins } from "../../../../shared/storage/documents.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import type { ListedPin, PinPage } from "../../../../shared/storage/pinner.ts";
import { migrateTo } from "../../../../shared/durable-object/sqlite.ts";
import {
  DOCUMENT_MIGRATIONS,
  documentsAfter,
  reindexing,
} from "../../../../workers/storage-verifier/documents/document-rows.ts";
import {
  reindexPage,
  type DocumentLists,
} from "../../../../workers/storage-verifier/documents/reindex-documents.ts";
import { listed, SILENT } from "../../../support/stack/memory-bucket.ts";
import { memorySql, type MemorySql } from "../../../support/stack/sqlite.ts";

const CHAIN_ID = "vdc-test";
const id = (n: number) => n.toString(16).padStart(64, "0");
const cid = (n: number) => `Qm${String(n).padStart(44, "1").replaceAll("0", "z")}`;
const pin = (n: number, cidOf = n): ListedPin => ({
  cid: cid(cidOf),
  size: 100,
  keyvalues: { ...documentPins(CHAIN_ID), documentId: id(n) },
});

let sql: MemorySql;
/** Documents in R2, each with the number of its CID. */
let stored: Map<number, number>;
/** The pinning service's pages; the token of a page is its number. */
let pages: (readonly ListedPin[] | Error)[];
let asked: (string | undefined)[];
beforeEach(() => {
  sql = memorySql();
  migrateTo(sql, DOCUMENT_MIGRATIONS, "a test's");
  [stored, pages, asked] = [new Map(), [], []];
});

const lists: DocumentLists = {
  chainId: CHAIN_ID,
  bucket: {
    list: async (options: R2ListOptions) => {
      const objects = [...stored].map(
        ([n, of]) =>
          [r2Keys.document(id(n)), { size: 100, customMetadata: { cid: cid(of), owner: id(0) } }] as const,
      );
      return listed(objects, { ...options, limit: 2 });
    },
  } as unknown as R2Bucket,
  pinner: () => ({
    list: async (keyvalues, token): Promise<PinPage> => {
      expect(keyvalues).toEqual({ documentsOf: CHAIN_ID });
      asked.push(token);
      const n = Number(token ?? 0);
      const page = pages[n] ?? [];
      if (page instanceof Error) throw page;
      return { pins: page, next: n + 1 < pages.length ? String(n + 1) : undefined };
    },
  }),
};

const readPage = () => reindexPage({ sql, decide: (decision) => sql.transaction(decision) }, lists, SILENT);

async function readAll(): Promise<void> {
  while (reindexing(sql) !== undefined) await readPage();
}

const indexed = () =>
  documentsAfter(sql, "", 100).map(({ id: documentId, cid: documentCid, status }) => [
    documentId,
    documentCid,
    status,
  ]);

describe("an index that was lost", () => {
  it("finds what R2 holds and what only the pinning service lists, page by page, unverified", async () => {
    for (const n of [1, 2, 3]) stored.set(n, n);
    pages = [[pin(2), pin(4)], [pin(5)]];
    await readAll();
    expect(indexed()).toEqual([1, 2, 3, 4, 5].map((n) => [id(n), cid(n), "unverified"]));
    expect(asked).toEqual([undefined, "1"]);
  });

  it("takes R2's CID of a document before any pin's, and of several pins the oldest", async () => {
    stored.set(1, 1);
    pages = [[pin(1, 7), pin(2, 8)], [pin(2, 9)]];
    await readAll();
    expect(indexed()).toEqual([
      [id(1), cid(1), "unverified"],
      [id(2), cid(8), "unverified"],
    ]);
  });

  it("passes over pins that VDC did not make", async () => {
    const keyvalues = documentPins(CHAIN_ID);
    pages = [
      [
        { ...pin(1), cid: "pending" },
        { ...pin(2), keyvalues },
        { ...pin(3), keyvalues: { ...keyvalues, documentId: "a report" } },
        pin(4),
      ],
    ];
    await readAll();
    expect(indexed()).toEqual([[id(4), cid(4), "unverified"]]);
  });

  it("is not whole while a page of pins can't be read, and goes on with that page", async () => {
    pages = [[pin(1)], new Error("the service is down"), [pin(3)]];
    await readPage(); // R2's only page
    await readPage();
    await expect(readPage()).rejects.toThrow("the service is down");
    expect(reindexing(sql)).toEqual({ list: "pins", after: "1" });
    pages[1] = [pin(2)];
    await readAll();
    expect(indexed()).toEqual([1, 2, 3].map((n) => [id(n), cid(n), "unverified"]));
    expect(asked).toEqual([undefined, "1", "1", "2"]);
  });
});
