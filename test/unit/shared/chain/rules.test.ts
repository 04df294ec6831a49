import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BLOCK_OVERHEAD_BYTES,
  miningIsDue,
  nextTimestamp,
  nextTransactions,
  PRIVATE_ARCHIVE_BYTES,
} from "../../../../shared/chain/rules.ts";
import { RULES } from "../../../support/chain/chain-head.ts";

const limits = (transactions: number, bytes: number) => ({
  blockMaxTransactions: transactions,
  blockMaxBytes: BLOCK_OVERHEAD_BYTES + bytes,
});

/** Makes pending transactions in the order of admission. A negative size means a paid transaction. */
function queueOf(sizes: readonly number[]) {
  const all = sizes.map((size, i) => ({
    id: `${i}`,
    sequence: i + 1,
    size: Math.abs(size),
    envelopeSize: 0,
    paid: size < 0,
  }));
  return { all, paid: all.filter(({ paid }) => paid) };
}

function blockOf(blockNumber: number, sizes: readonly number[], rules: ReturnType<typeof limits>): number[] {
  const { all, paid } = queueOf(sizes);
  return nextTransactions(blockNumber, paid, all, rules).map(({ sequence }) => sequence);
}

/**
 * Returns the number of blocks that each transaction waits for, while transactions of the other kind arrive without
 * end.
 */
function blocksUntilAllTaken(own: readonly number[], flood: number, limit: ReturnType<typeof limits>) {
  let sequence = 0;
  const made = (bytes: number) => ({
    id: `${++sequence}`,
    sequence,
    size: Math.abs(bytes),
    envelopeSize: 0,
    paid: bytes < 0,
  });
  const floods = () => Array.from({ length: limit.blockMaxTransactions }, () => made(flood));
  let waiting = floods();
  const mine = own.map(made);
  waiting.push(...mine);
  const takenIn = new Map<string, number>();
  for (let blockNumber = 1; takenIn.size < mine.length + 1 && blockNumber <= 1_000; blockNumber++) {
    waiting.push(...floods());
    const paid = waiting.filter((one) => one.paid);
    const taken = nextTransactions(blockNumber, paid, waiting, limit);
    waiting = waiting.filter((one) => !taken.includes(one));
    for (const one of taken) if (mine.includes(one)) takenIn.set(one.id, blockNumber);
    if (takenIn.size === mine.length) break;
  }
  return mine.map(({ id }) => takenIn.get(id) ?? Infinity);
}

const many = (count: number, envelopeSize: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `${i}`, sequence: i, size: 400, envelopeSize }));

describe("the transactions of a block", () => {
  it.each([
    { sizes: [], transactions: 10, bytes: 100, taken: [] },
    { sizes: [9, 9, 9], transactions: 10, bytes: 30, taken: [1, 2, 3] },
    { sizes: [9, 9, 10], transactions: 10, bytes: 30, taken: [1, 2] },
    { sizes: [9, 9, 9], transactions: 2, bytes: 1_000, taken: [1, 2] },
    { sizes: [5_000, 1], transactions: 10, bytes: 30, taken: [1] },
    { sizes: [1, 5_000, 1], transactions: 10, bytes: 30, taken: [1] },
    { sizes: [0], transactions: 1, bytes: 0, taken: [1] },
    // Paid transactions have first claim to half of a block, still in the order of admission.
    { sizes: [9, 9, 9, 9, -9, -9, -9], transactions: 4, bytes: 1_000, taken: [1, 2, 5, 6] },
    { sizes: [9, 9, 9, 9, -9, -9, -9], transactions: 10, bytes: 40, taken: [1, 2, 5, 6] },
    // Room that one half leaves goes to the other half.
    { sizes: [9, 9, 9, 9, -9], transactions: 4, bytes: 1_000, taken: [1, 2, 3, 5] },
    { sizes: [9, -9, -9, -9, -9, -9], transactions: 4, bytes: 1_000, taken: [1, 2, 3, 4] },
  ])(
    "of $sizes with $transactions transactions and $bytes bytes: $taken",
    ({ sizes, transactions, bytes, taken }) => {
      for (const blockNumber of [1, 2])
        expect(blockOf(blockNumber, sizes, limits(transactions, bytes))).toEqual(taken);
    },
  );

  it("begin with the oldest of all in one block and with the oldest paid one in the next, however large it is", () => {
    const only = limits(1, 1_000);
    expect(blockOf(1, [9, 9, -9], only)).toEqual([1]);
    expect(blockOf(2, [9, 9, -9], only)).toEqual([3]);
    const small = limits(10, 40);
    expect(blockOf(1, [29, -9, -9, -9], small)).toEqual([1, 2]);
    expect(blockOf(2, [29, -9, -9, -9], small)).toEqual([2, 3]);
    expect(blockOf(1, [9, 9, -29], small)).toEqual([1, 2]);
    expect(blockOf(2, [9, 9, -29], small)).toEqual([1, 3]);
  });

  const size = fc.integer({ min: 1, max: 2_000 });
  const rules = fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 20_000 }))
    .map(([count, bytes]) => limits(count, bytes));

  it("hold no more private parts than their archive may, half of them of paid ones, and at least one", () => {
    const whole = limits(2_000, 1_000_000);
    const fit = Math.floor(PRIVATE_ARCHIVE_BYTES / 126_000);
    const all = many(2_000, 126_000);
    expect(nextTransactions(1, [], all, whole)).toHaveLength(fit);
    const late = nextTransactions(1, all.slice(1_000), all, whole).filter(
      ({ sequence }) => sequence >= 1_000,
    );
    expect(late).toHaveLength(Math.floor(PRIVATE_ARCHIVE_BYTES / 2 / 126_000));
    expect(nextTransactions(1, [], many(2, PRIVATE_ARCHIVE_BYTES + 1), whole)).toHaveLength(1);
    expect(PRIVATE_ARCHIVE_BYTES).toBeLessThan(64_000_000);
  });

  it("keep both limits, but for a single one, and are in the order of admission", () => {
    const sizes = fc.array(
      fc.oneof(
        size,
        size.map((n) => -n),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(fc.nat(9), sizes, rules, (blockNumber, given, limit) => {
        const { all, paid } = queueOf(given);
        const taken = nextTransactions(blockNumber, paid, all, limit);
        expect(taken.length).toBeLessThanOrEqual(limit.blockMaxTransactions);
        if (all.length > 0) expect(taken.length).toBeGreaterThanOrEqual(1);
        const bytes = taken.reduce((sum, one) => sum + one.size + 1, 0);
        if (taken.length > 1) expect(bytes).toBeLessThanOrEqual(limit.blockMaxBytes - BLOCK_OVERHEAD_BYTES);
        expect(taken).toEqual(taken.toSorted((a, b) => a.sequence - b.sequence));
        const left = all.filter((one) => !taken.includes(one));
        const fits = ({ size: more }: { size: number }) =>
          taken.length < limit.blockMaxTransactions &&
          bytes + more + 1 <= limit.blockMaxBytes - BLOCK_OVERHEAD_BYTES;
        expect(left[0] !== undefined && fits(left[0])).toBe(false); // a block leaves out only a transaction that does not fit
      }),
      { seed: 1 },
    );
  });

  it("delay a payment, in a flood of submissions, by no more than the payments before it", () => {
    fc.assert(
      fc.property(fc.array(size, { minLength: 1, maxLength: 12 }), size, rules, (payments, flood, limit) => {
        const paidSizes = payments.map((n) => -n);
        for (const [before, block] of blocksUntilAllTaken(paidSizes, flood, limit).entries())
          expect(block).toBeLessThanOrEqual(2 * (before + 1));
      }),
    );
    // Each block takes half a block's worth of the payments that fit.
    expect(blocksUntilAllTaken([-9, -9, -9, -9, -9, -9], 9, limits(4, 1_000))).toEqual([1, 1, 2, 2, 3, 3]);
  });

  it("delay a submission, in a flood of payments, by no more than what was admitted before it", () => {
    fc.assert(
      fc.property(fc.array(size, { minLength: 1, maxLength: 12 }), size, rules, (own, flood, limit) => {
        const flooded = limit.blockMaxTransactions; // transactions that were admitted before the first one
        for (const [before, block] of blocksUntilAllTaken(own, -flood, limit).entries())
          expect(block).toBeLessThanOrEqual(2 * (flooded + before + 1));
      }),
    );
  });
});

describe("mining", () => {
  const rules = { ...RULES, mineAtCount: 10, mineAfterSeconds: 60 };
  const now = 1_000_000;
  const due = (count: number, ageSeconds: number, changes: Partial<typeof rules> = {}) =>
    miningIsDue({ count, oldestAdmittedAt: now - ageSeconds * 1_000 }, { ...rules, ...changes }, now);

  it("is due when enough transactions wait", () => {
    expect(due(9, 0)).toBe(false);
    expect(due(10, 0)).toBe(true);
    expect(due(11, 0)).toBe(true);
  });

  it("is due when the oldest transaction has waited long enough", () => {
    expect(due(1, 59.999)).toBe(false);
    expect(due(1, 60)).toBe(true);
  });

  it("is not due for nothing, and not where an operator approves it", () => {
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
