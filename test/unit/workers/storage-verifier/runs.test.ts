import { beforeEach, describe, expect, it } from "vitest";
import { migrateTo } from "../../../../shared/durable-object/sqlite.ts";
import type {
  BlockReport,
  BlockStatus,
  DocumentReport,
  StorageRun,
} from "../../../../shared/api/storage-report.ts";
import {
  areBlocksDone,
  documentsAfter,
  end,
  endRestore,
  findRun,
  findRunWithResults,
  listRuns,
  placeOf,
  recordChunk,
  recordDocuments,
  resumeRun,
  startRun,
  activeRun,
  requeueAt,
  noteRequeued,
} from "../../../../workers/storage-verifier/runs/runs.ts";
import { MIGRATIONS, type RunRow } from "../../../../workers/storage-verifier/runs/schema.ts";
import {
  noteReports,
  summary,
  failingBlocksIn,
} from "../../../../workers/storage-verifier/runs/failing-blocks.ts";
import { memorySql, type MemorySql } from "../../../support/stack/sqlite.ts";

let sql: MemorySql;
beforeEach(() => {
  sql = memorySql();
  migrateTo(sql, MIGRATIONS, "a test's");
});

const NOW = 1_800_000_000_000;
const begin = (id: string, totalBlocks = 40, kind: StorageRun["kind"] = "verify") =>
  startRun(sql, { id, kind, repair: true, by: "ada", totalBlocks }, NOW);

function report(blockNumber: number, status: BlockStatus): BlockReport {
  const present = { present: true, hash: "x" };
  const missing = { present: false, hash: null, fault: "missing" as const };
  return {
    blockNumber,
    kv: status === "failed" ? missing : present,
    r2: present,
    ipfs: present,
    index: { complete: true, missing: 0 },
    privateParts: { complete: true, missing: 0 },
    source: "r2",
    rehydrated: status === "rehydrated" ? { kv: "missing" } : {},
    status,
    message: status,
    untrusted: null,
  };
}

const chunk = (runId: string, from: number, next: number, statuses: readonly BlockStatus[] = []) =>
  recordChunk(
    sql,
    { runId, from, next, reports: statuses.map((status, i) => report(from + i, status)) },
    NOW,
  );

function documentReport(documentId: string, status: BlockStatus): DocumentReport {
  const present = { present: true, hash: "x" };
  return {
    documentId,
    documentCid: "Qm",
    r2: present,
    ipfs: present,
    source: "r2",
    rehydrated: {},
    status,
    message: status,
  };
}

/** Makes reports of documents `a`, `b` and so on, after those that the run has done. */
const documents = (runId: string, from: number, statuses: readonly BlockStatus[], isLast: boolean) => {
  const reports = statuses.map((status, i) => documentReport(String.fromCodePoint(0x61 + from + i), status));
  const after = isLast ? "" : (reports.at(-1)?.documentId ?? "");
  return recordDocuments(sql, { runId, from, total: 4, after, isLast, reports }, NOW);
};

const noDocuments = (runId: string) => documents(runId, 0, [], true);

describe("runs", () => {
  it("give way to a restore when they verify: without the chain head's chain they can't go on", () => {
    begin("verification");
    chunk("verification", 0, 20);
    expect(begin("restore", 40, "restore")).toMatchObject({ started: { id: "restore", state: "running" } });
    expect(findRun(sql, "verification", NOW)).toMatchObject({
      state: "aborted",
      next: 20,
      message: expect.stringContaining("A restore") as string,
    });
    expect(begin("another", 40, "restore")).toMatchObject({ active: { id: "restore" } });
    expect(begin("nightly")).toMatchObject({ active: { id: "restore" } });
    end(sql, "restore", "failed", "block 7 is missing", NOW);
    begin("nightly");
    expect(resumeRun(sql, "restore", NOW)).toMatchObject({ started: { id: "restore" } });
    expect(findRun(sql, "nightly", NOW)?.state).toBe("aborted");
  });

  it("are one at a time: a second is told of the first, and nothing changes", () => {
    begin("one");
    expect(begin("two")).toMatchObject({ active: { id: "one", by: "ada" } });
    expect(listRuns(sql, NOW).map(({ id }) => id)).toEqual(["one"]);
    end(sql, "one", "aborted", null, NOW);
    expect(begin("two")).toMatchObject({ started: { id: "two", state: "running", next: 0 } });
  });

  it("count each chunk once, however often it is done", () => {
    begin("one");
    chunk("one", 0, 20, ["ok", "rehydrated", "failed"]);
    chunk("one", 0, 20, ["ok", "rehydrated", "failed"]);
    expect(findRun(sql, "one", NOW)).toMatchObject({ next: 20, verified: 1, rehydrated: 1, failed: 1 });
  });

  it("go on with the documents behind their last block, and are done with the last document", () => {
    begin("one");
    chunk("one", 0, 20);
    const blocksDone = chunk("one", 20, 40);
    expect([blocksDone.state, areBlocksDone(blocksDone), placeOf(blocksDone)]).toEqual(["running", true, 40]);
    expect(placeOf(documents("one", 0, ["ok", "failed"], false))).toBe(42);
    documents("one", 0, ["ok", "failed"], false);
    expect(documentsAfter(sql, "one")).toBe("b");
    expect(documents("one", 2, ["rehydrated", "partial"], true)).toMatchObject({ state: "done" });
    expect(findRunWithResults(sql, "one", NOW)?.documents).toMatchObject({
      total: 4,
      next: 4,
      verified: 1,
      rehydrated: 1,
      partial: 1,
      failed: 1,
      results: [{ documentId: "b" }, { documentId: "c" }, { documentId: "d" }],
    });
  });

  it("report the blocks that were not simply ok", () => {
    begin("one");
    chunk("one", 0, 20, ["ok", "partial"]);
    chunk("one", 20, 40, ["ok"]);
    expect(noDocuments("one")).toMatchObject({ state: "done", results: [] });
    expect(findRunWithResults(sql, "one", NOW)).toMatchObject({
      state: "done",
      finishedAt: NOW,
      verified: 2,
      partial: 1,
      results: [{ blockNumber: 1, status: "partial" }],
    });
  });

  it("take nothing any more once they are aborted, and go on where they stopped when they are resumed", () => {
    begin("one");
    chunk("one", 0, 20);
    end(sql, "one", "aborted", "aborted by ada", NOW);
    expect(chunk("one", 20, 40, ["ok"])).toMatchObject({ state: "aborted", next: 20, verified: 0 });
    expect(resumeRun(sql, "one", NOW)).toMatchObject({
      started: { state: "running", next: 20, message: null },
    });
    expect(chunk("one", 20, 40, ["ok"])).toMatchObject({ verified: 1 });
    expect(noDocuments("one")).toMatchObject({ state: "done" });
    expect(resumeRun(sql, "one", NOW)).toMatchObject({ ended: { id: "one" } });
  });

  it("are not resumed beside another, nor when nobody knows them", () => {
    begin("one");
    end(sql, "one", "failed", "why", NOW);
    begin("two");
    expect(resumeRun(sql, "one", NOW)).toMatchObject({ active: { id: "two" } });
    expect(resumeRun(sql, "three", NOW)).toBeNull();
  });

  it("are followed by a verification, once, when they restored a chain, and not when they were aborted", () => {
    const follow = (runId: string, id: string) =>
      endRestore(sql, runId, { id, kind: "verify", repair: true, by: "ada", totalBlocks: 40 }, NOW);
    begin("one", 40, "restore");
    expect(follow("one", "after")).toBe(true);
    expect(follow("one", "after-again")).toBe(false);
    expect(listRuns(sql, NOW)).toMatchObject([
      { id: "after", state: "running", next: 0 },
      { id: "one", state: "done" },
    ]);
    end(sql, "after", "aborted", null, NOW);
    begin("two", 40, "restore");
    end(sql, "two", "aborted", null, NOW);
    expect(follow("two", "after-two")).toBe(false);
  });

  it("have only documents to verify in an empty chain", () => {
    const { started } = begin("one", 0) as { started: StorageRun };
    expect(areBlocksDone(started)).toBe(true);
    expect(noDocuments("one")).toMatchObject({ state: "done", documents: { next: 0 } });
  });

  it("are kept up to fifty, with their results", () => {
    for (let i = 0; i < 60; i++) {
      begin(`run-${i}`, 1);
      chunk(`run-${i}`, 0, 1, ["failed"]);
      noDocuments(`run-${i}`);
    }
    expect(listRuns(sql, NOW)).toHaveLength(50);
    expect(findRun(sql, "run-9", NOW)).toBeNull();
    expect(findRunWithResults(sql, "run-10", NOW)?.results).toHaveLength(1);
  });
});

describe("a run that finds many blocks wrong", () => {
  it("stores the first 500 reports, and counts every block", () => {
    begin("one", 1_200);
    for (let from = 0; from < 1_200; from += 20) chunk("one", from, from + 20, FAILED);
    expect(findRun(sql, "one", NOW)).toMatchObject({ next: 1_200, failed: 1_200, results: [] });
    expect(findRunWithResults(sql, "one", NOW)?.results).toHaveLength(500);
  });
});

const FAILED = Array.from({ length: 20 }, () => "failed" as const);

const roll = (id: string, totalBlocks: number, most: number, now = NOW) =>
  startRun(sql, { id, kind: "verify", repair: true, by: "schedule", totalBlocks, rolling: most }, now);

const rollOn = (id: string, totalBlocks: number, most: number, now = NOW) => {
  const answer = roll(id, totalBlocks, most, now);
  if (!("started" in answer)) throw new Error("another run is active");
  const { firstBlock, totalBlocks: blocks } = answer.started;
  chunk(id, firstBlock, firstBlock + blocks);
  noDocuments(id);
  return [firstBlock, firstBlock + blocks];
};

/** @returns the document after which the run began */
const rollDocuments = (id: string, statuses: readonly BlockStatus[], after: string) => {
  roll(id, 3, 40);
  chunk(id, 0, 3);
  const began = documentsAfter(sql, id);
  const reports = statuses.map((status, i) => documentReport(`d${i}`, status));
  recordDocuments(sql, { runId: id, from: 0, total: 2, after, isLast: true, reports }, NOW);
  return began;
};

describe("the rolling verification", () => {
  it("goes round the chain, so many blocks a day, and takes in what the chain has grown by", () => {
    expect(rollOn("one", 100, 40)).toEqual([0, 40]);
    expect(rollOn("two", 100, 40)).toEqual([40, 80]);
    expect(rollOn("three", 110, 40)).toEqual([80, 110]);
    expect(rollOn("four", 120, 40)).toEqual([110, 120]);
    expect(rollOn("five", 120, 40)).toEqual([0, 40]);
  });

  it("says since when every block was verified, once a round is over", () => {
    rollOn("one", 60, 40, NOW);
    expect(summary(sql).verifiedSince).toBeNull();
    rollOn("two", 60, 40, NOW + 1);
    rollOn("three", 60, 40, NOW + 2);
    expect(summary(sql).verifiedSince).toBe(NOW);
    begin("whole", 60);
    chunk("whole", 0, 60);
    expect(summary(sql).verifiedSince).toBe(NOW);
  });

  it("goes on where it stopped when a run of it was aborted", () => {
    roll("one", 100, 40);
    chunk("one", 0, 20);
    end(sql, "one", "aborted", null, NOW);
    expect(rollOn("two", 100, 40)).toEqual([20, 60]);
  });

  it("goes on with the documents behind those of the day before, and begins anew behind the last", () => {
    expect(rollDocuments("one", ["ok", "ok"], "d1")).toBe("");
    expect(rollDocuments("two", ["ok"], "")).toBe("d1");
    expect(rollDocuments("three", [], "")).toBe("");
  });

  it("verifies a short chain whole each day", () => {
    expect(rollOn("one", 3, 1_000)).toEqual([0, 3]);
    expect(rollOn("two", 3, 1_000)).toEqual([0, 3]);
  });
});

/** Returns the seconds until the run is requeued. */
const waits = () => (requeueAt(activeRun(sql) as RunRow, 120) - NOW) / 1_000;

describe("a run that does not move", () => {
  it("is told again less and less often, and at once at the usual pace when it has moved", () => {
    begin("one");
    const told = Array.from({ length: 8 }, () => {
      const seconds = waits();
      noteRequeued(sql, "one", NOW);
      return seconds;
    });
    expect(told).toEqual([120, 240, 480, 960, 1_920, 3_840, 3_840, 3_840]);
    chunk("one", 0, 20);
    expect(waits()).toBe(120);
  });
});

describe("what the latest verification of a block left undone", () => {
  it("is remembered until it is whole, and how often a tier was restored", () => {
    noteReports(sql, [report(1, "failed"), report(2, "partial"), report(3, "rehydrated")], NOW);
    expect(summary(sql)).toMatchObject({ failing: 1, partial: 1, rehydrated: { kv: 1, r2: 0, ipfs: 0 } });
    expect(failingBlocksIn(sql, 0, 2).map(({ blockNumber }) => blockNumber)).toEqual([1]);
    expect(noteReports(sql, [{ ...report(1, "partial"), source: null }], NOW)).toEqual([]);
    expect(summary(sql)).toMatchObject({ failing: 1, partial: 1 });
    expect(noteReports(sql, [report(1, "partial"), report(2, "ok")], NOW)).toEqual([1]);
    expect(noteReports(sql, [report(1, "rehydrated"), report(2, "ok")], NOW)).toEqual([]);
    expect(summary(sql)).toMatchObject({ failing: 0, partial: 0, rehydrated: { kv: 2 } });
    expect(failingBlocksIn(sql, 0, 10)).toEqual([]);
  });

  it("counts the blocks of which R2 lacks private parts, until they are back", () => {
    const lacking = { ...report(1, "partial"), privateParts: { complete: false, missing: 2 } };
    const unknown = { ...report(2, "partial"), privateParts: { complete: false, missing: null } };
    noteReports(sql, [lacking, unknown], NOW);
    expect(summary(sql)).toMatchObject({ partial: 2, withoutPrivateParts: 1 });
    expect(failingBlocksIn(sql, 1, 2)).toEqual([{ blockNumber: 1, wrong: [] }]);
    noteReports(sql, [report(1, "ok")], NOW);
    expect(summary(sql)).toMatchObject({ partial: 1, withoutPrivateParts: 0 });
  });
});
