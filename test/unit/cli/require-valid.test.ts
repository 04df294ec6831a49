import { describe, expect, it } from "vitest";
import { CommandFailure, EXIT } from "../../../cli/output/failure.ts";
import type { BlockReport, StorageStatus, TierReport } from "../../../shared/api/storage-report.ts";
import {
  requireAllValid,
  requireValidBlock,
  requireCompleteCopies,
} from "../../../cli/storage/require-valid.ts";
import { NO_DOCUMENTS, NO_LOG } from "./run.ts";

const sound: TierReport = { present: true, hash: "a" };
const faulty = (fault: NonNullable<TierReport["fault"]>): TierReport => ({
  present: false,
  hash: null,
  fault,
});

function report(status: BlockReport["status"], tiers: Partial<BlockReport> = {}): BlockReport {
  return {
    blockNumber: 7,
    kv: sound,
    r2: sound,
    ipfs: sound,
    index: { complete: true, missing: 0 },
    privateParts: { complete: true, missing: 0 },
    source: "kv",
    rehydrated: {},
    status,
    message: "as a test has it",
    untrusted: null,
    ...tiers,
  };
}

function codeOf(work: () => void): number {
  try {
    work();
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommandFailure) return error.exitCode;
    throw error;
  }
}

describe("a block's verification", () => {
  it.for([
    ["well when it is sound", report("ok"), EXIT.ok],
    ["well when it is sound again", report("rehydrated"), EXIT.ok],
    [
      "badly when a second block was found, though all is restored",
      report("rehydrated", { rehydrated: { r2: "forked" } }),
      EXIT.unverified,
    ],
    ["badly when a second block is there", report("partial", { r2: faulty("forked") }), EXIT.unverified],
    ["badly when a copy is missing", report("partial", { kv: faulty("missing") }), EXIT.unverified],
    ["badly when a copy is corrupt", report("partial", { r2: faulty("corrupt") }), EXIT.unverified],
    [
      "badly when the index is not whole",
      report("partial", { index: { complete: false, missing: 2 } }),
      EXIT.unverified,
    ],
    [
      "badly when no copy verifies",
      report("failed", { source: null, kv: faulty("corrupt") }),
      EXIT.unverified,
    ],
    [
      "without an answer when a tier can't be reached",
      report("partial", { ipfs: faulty("unreachable") }),
      EXIT.unknown,
    ],
    [
      "badly when one can't be reached and another is wrong",
      report("partial", { ipfs: faulty("unreachable"), kv: faulty("wrong_cid") }),
      EXIT.unverified,
    ],
  ] as const)("ends %s", ([, found, code]) => {
    expect(codeOf(() => requireValidBlock(found))).toBe(code);
  });
});

const all = (results: BlockReport[], unsound = results.length) =>
  codeOf(() =>
    requireAllValid({
      partial: unsound,
      failed: 0,
      untrusted: 0,
      results,
      log: NO_LOG,
      documents: NO_DOCUMENTS,
    }),
  );

it("a fork is said to have halted the chain only where repair has halted it", () => {
  const restored = report("rehydrated", { rehydrated: { r2: "forked" } });
  expect(() => requireValidBlock(restored)).toThrow(/the chain is halted.*`vdc resume --reason …`/s);
  expect(() => requireValidBlock(report("partial", { r2: faulty("forked") }))).toThrow(
    /With repair .*is halted/s,
  );
});

describe("a look at what is stored", () => {
  const whole: StorageStatus = {
    totalBlocks: 2,
    blocks: [],
    summary: { complete: 2, incomplete: 0 },
    documents: null,
    verification: { failing: 0, partial: 0, withoutPrivateParts: 0, verifiedSince: null, lastRun: null },
    next: null,
  };
  const totals = { total: 3, unverified: 0, verifiedSince: null, rehydrated: { r2: 0, ipfs: 0 } };
  it.for<[string, Partial<StorageStatus>, number]>([
    ["well when every tier lists every block", {}, EXIT.ok],
    ["badly when a tier lacks a block", { summary: { complete: 1, incomplete: 1 } }, EXIT.unverified],
    [
      "badly when a block of another page was not whole",
      { verification: { ...whole.verification, partial: 1 } },
      EXIT.unverified,
    ],
    ["badly when a document is lost", { documents: { ...totals, partial: 0, failed: 1 } }, EXIT.unverified],
    ["well when every document is whole", { documents: { ...totals, partial: 0, failed: 0 } }, EXIT.ok],
  ])("ends %s", ([, found, code]) => {
    expect(codeOf(() => requireCompleteCopies({ ...whole, ...found }))).toBe(code);
  });
});

describe("the verification of all blocks", () => {
  it("ends badly when a second block was found, though every block is whole again", () => {
    expect(all([report("rehydrated", { rehydrated: { kv: "forked" } })], 0)).toBe(EXIT.unverified);
  });

  it("ends well when each block is sound, or sound again", () => {
    expect(all([])).toBe(EXIT.ok);
    expect(all([report("rehydrated")], 0)).toBe(EXIT.ok);
  });

  it("ends badly when a block is not sound", () => {
    expect(all([report("partial", { kv: faulty("missing") })])).toBe(EXIT.unverified);
  });

  it("ends without an answer when all that is not sound could not be reached", () => {
    const away = report("partial", { ipfs: faulty("unreachable") });
    expect(all([away, report("ok")], 1)).toBe(EXIT.unknown);
    expect(all([away, report("partial", { kv: faulty("missing") })])).toBe(EXIT.unverified);
  });

  it("ends badly when an object of the logs is not sound, though every block is", () => {
    const log = { ...NO_LOG, checked: 3, failed: 1 };
    const counts = { partial: 0, failed: 0, untrusted: 0, results: [], documents: NO_DOCUMENTS };
    expect(codeOf(() => requireAllValid({ ...counts, log }))).toBe(EXIT.unverified);
  });

  it("ends badly when a document is not sound, though every block is", () => {
    const missing = { present: false, hash: null, fault: "missing" } as const;
    const documents = {
      ...NO_DOCUMENTS,
      total: 1,
      next: 1,
      failed: 1,
      results: [
        {
          documentId: "d",
          documentCid: "Qm",
          r2: missing,
          ipfs: missing,
          source: null,
          rehydrated: {},
          status: "failed" as const,
          message: "lost",
        },
      ],
    };
    expect(
      codeOf(() =>
        requireAllValid({ partial: 0, failed: 0, untrusted: 0, results: [], log: NO_LOG, documents }),
      ),
    ).toBe(EXIT.unverified);
  });

  it("ends apart when each block is sound, and a revoked key signed one", () => {
    const untrusted = { keyId: "a".repeat(64), revokedIn: 9 };
    expect(codeOf(() => requireValidBlock(report("ok", { untrusted })))).toBe(EXIT.untrusted);
    expect(codeOf(() => requireValidBlock(report("failed", { untrusted })))).toBe(EXIT.unverified);
    const judged = (partial: number) =>
      codeOf(() =>
        requireAllValid({
          partial,
          failed: 0,
          untrusted: 1,
          results: [],
          log: NO_LOG,
          documents: NO_DOCUMENTS,
        }),
      );
    expect(judged(0)).toBe(EXIT.untrusted);
    expect(judged(1)).toBe(EXIT.unverified);
  });

  it("ends badly when not all that is not sound was told", () => {
    expect(all([report("partial", { ipfs: faulty("unreachable") })], 5)).toBe(EXIT.unverified);
  });
});
