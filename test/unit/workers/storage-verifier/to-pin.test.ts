import { beforeEach, describe, expect, it } from "vitest";
import { migrateTo } from "../../../../shared/durable-object/sqlite.ts";
import {
  DOCUMENT_MIGRATIONS,
  findIndexed,
  notePinned,
  noteStored,
} from "../../../../workers/storage-verifier/documents/document-rows.ts";
import {
  duePins,
  nextPin,
  noteArriving,
  noteEnqueued,
  noteToPin,
} from "../../../../workers/storage-verifier/documents/to-pin.ts";
import { memorySql, type MemorySql } from "../../../support/stack/sqlite.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const BEGAN = 1_000_000;

let sql: MemorySql;
beforeEach(() => {
  sql = memorySql();
  migrateTo(sql, DOCUMENT_MIGRATIONS, "a test's");
});

const document = (id: string) => ({ id, cid: `cid of ${id}`, bytes: 100 });
const due = (now: number) => duePins(sql, now).map(({ id }) => id);

describe("the outbox of the index of documents", () => {
  it("enqueues a stored document at once, and again when its message must be lost", () => {
    expect(noteToPin(sql, document("a"), BEGAN)).toBe("unverified");
    expect(due(BEGAN)).toEqual(["a"]);
    noteEnqueued(sql, duePins(sql, BEGAN), BEGAN);
    expect(due(BEGAN + 4 * DAY)).toEqual([]);
    expect(due(BEGAN + 5 * DAY)).toEqual(["a"]);
  });

  it("ends when the document is pinned", () => {
    noteToPin(sql, document("a"), BEGAN);
    notePinned(sql, "a", BEGAN + 1);
    expect(nextPin(sql)).toBeUndefined();
    expect(findIndexed(sql, "a")).toEqual({ ...document("a"), status: "ok" });
  });

  it("changes nothing when a stored document is sent again, and says how far it is", () => {
    noteToPin(sql, document("a"), BEGAN);
    noteEnqueued(sql, duePins(sql, BEGAN), BEGAN);
    expect(noteToPin(sql, { ...document("a"), cid: "another" }, BEGAN + 1)).toBe("unverified");
    expect(due(BEGAN + 1)).toEqual([]);
    notePinned(sql, "a", BEGAN + 2);
    expect(noteToPin(sql, document("a"), BEGAN + 3)).toBe("ok");
    expect(nextPin(sql)).toBeUndefined();
  });

  it("enqueues a document that is sent again and is not known to be pinned, once", () => {
    noteStored(sql, [document("a")], { status: "unverified", at: 0 });
    expect(noteToPin(sql, document("a"), BEGAN)).toBe("unverified");
    expect(due(BEGAN)).toEqual(["a"]);
    noteEnqueued(sql, duePins(sql, BEGAN), BEGAN);
    noteToPin(sql, document("a"), BEGAN + 1);
    expect(due(BEGAN + 1)).toEqual([]);
  });

  it("enqueues a document that never arrived an hour later, and forgets it", () => {
    noteArriving(sql, "a", BEGAN);
    expect(due(BEGAN + HOUR - 1)).toEqual([]);
    expect(due(BEGAN + HOUR)).toEqual(["a"]);
    noteEnqueued(sql, duePins(sql, BEGAN + HOUR), BEGAN + HOUR);
    expect(nextPin(sql)).toBeUndefined();
  });

  it("keeps a row that changed while the document was being enqueued", () => {
    noteArriving(sql, "again", BEGAN);
    noteArriving(sql, "stored", BEGAN);
    const enqueued = duePins(sql, BEGAN + HOUR);
    expect(enqueued).toHaveLength(2);
    noteArriving(sql, "again", BEGAN + HOUR + 1);
    noteToPin(sql, document("stored"), BEGAN + HOUR + 1);
    noteEnqueued(sql, enqueued, BEGAN + HOUR + 2);
    expect(due(BEGAN + 2 * HOUR + 1)).toEqual(["stored", "again"]);
  });

  it("enqueues a hundred documents at once, the longest due first", () => {
    for (let n = 0; n < 150; n++) noteToPin(sql, document(`${n}`), BEGAN - n);
    expect(due(BEGAN)).toHaveLength(100);
    expect(due(BEGAN)[0]).toBe("149");
  });
});
