import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BLOCK_OVERHEAD_BYTES,
  countThatFits,
  mayRequestMining,
  miningIsDue,
  nextTimestamp,
  PRIVATE_ARCHIVE_BYTES,
} from "../../../shared/chain/rules.ts";
import { RULES } from "../../support/chain-head.ts";

const limits = (transactions: number, bytes: number) => ({
  blockMaxTransactions: transactions,
  blockMaxBytes: BLOCK_OVERHEAD_BYTES + bytes,
});

const measured = (sizes: readonly number[], envelopeSize = 0) =>
  sizes.map((size) => ({ size, envelopeSize }));

describe("how many transactions fit into a block", () => {
  it.each([
    { sizes: [], transactions: 10, bytes: 100, fit: 0 },
    { sizes: [9, 9, 9], transactions: 10, bytes: 30, fit: 3 },
    { sizes: [9, 9, 10], transactions: 10, bytes: 30, fit: 2 },
    { sizes: [9, 9, 9], transactions: 2, bytes: 1_000, fit: 2 },
    { sizes: [9, 9, 9], transactions: 3, bytes: 1_000, fit: 3 },
    { sizes: [5_000, 1], transactions: 10, bytes: 30, fit: 1 },
    { sizes: [1, 5_000, 1], transactions: 10, bytes: 30, fit: 1 },
    { sizes: [0], transactions: 1, bytes: 0, fit: 1 },
  ])(
    "$sizes with $transactions transactions and $bytes bytes: $fit",
    ({ sizes, transactions, bytes, fit }) => {
      expect(countThatFits(measured(sizes), limits(transactions, bytes))).toBe(fit);
    },
  );

  it("is no more than the archive of their private parts may hold, however small they are, and at least one", () => {
    const sizes = Array.from({ length: 2_000 }, () => 400);
    const fit = countThatFits(measured(sizes, 126_000), limits(2_000, 1_000_000));
    expect(fit).toBe(Math.floor(PRIVATE_ARCHIVE_BYTES / 126_000));
    expect(PRIVATE_ARCHIVE_BYTES).toBeLessThan(64_000_000);
    expect(countThatFits(measured([1, 1], PRIVATE_ARCHIVE_BYTES + 1), limits(2, 100))).toBe(1);
  });

  it("is the longest beginning within both limits, and at least one", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 2_000 }), { maxLength: 60 });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 20_000 }),
        (all, most, bytes) => {
          const fit = countThatFits(measured(all), limits(most, bytes));
          const used = (count: number) => all.slice(0, count).reduce((sum, size) => sum + size + 1, 0);
          expect(fit).toBeLessThanOrEqual(Math.min(most, all.length));
          if (all.length > 0) expect(fit).toBeGreaterThanOrEqual(1);
          if (fit > 1) expect(used(fit)).toBeLessThanOrEqual(bytes);
          if (fit < Math.min(most, all.length)) expect(used(fit + 1)).toBeGreaterThan(bytes);
        },
      ),
      { seed: 1 },
    );
  });
});

describe("who may ask for mining", () => {
  it("is everybody in auto mode, and only the operator in approval mode", () => {
    for (const cause of ["operator", "threshold", "schedule", "waiting"] as const) {
      expect(mayRequestMining(cause, "auto")).toBe(true);
      expect(mayRequestMining(cause, "approval")).toBe(cause === "operator");
    }
  });
});

describe("mining is due", () => {
  const rules = { ...RULES, mineAtCount: 10, mineAfterSeconds: 60 };
  const now = 1_000_000;
  const due = (count: number, ageSeconds: number, changes: Partial<typeof rules> = {}) =>
    miningIsDue({ count, oldestAdmittedAt: now - ageSeconds * 1_000 }, { ...rules, ...changes }, now);

  it("when enough waits", () => {
    expect(due(9, 0)).toBe(false);
    expect(due(10, 0)).toBe(true);
    expect(due(11, 0)).toBe(true);
  });

  it("when the oldest has waited long enough", () => {
    expect(due(1, 59.999)).toBe(false);
    expect(due(1, 60)).toBe(true);
  });

  it("never for nothing, and never where an operator approves it", () => {
    expect(due(0, 10_000)).toBe(false);
    expect(miningIsDue({ count: 0, oldestAdmittedAt: undefined }, rules, now)).toBe(false);
    expect(due(1_000, 10_000, { miningMode: "approval" })).toBe(false);
  });
});

describe("a block's timestamp", () => {
  it("is the clock's, but never before its predecessor's", () => {
    expect(nextTimestamp(200, 100)).toBe(200);
    expect(nextTimestamp(100, 100)).toBe(100);
    expect(nextTimestamp(50, 100)).toBe(100);
  });
});
