import { assert, integer, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  listingPlan,
  pagesOf,
  type Listing,
} from "../../../../workers/storage-verifier/listing/listing-plan.ts";

/** Returns the numbers that a store's list calls show. The store holds all of them, in the order of their text. */
function shown(plan: readonly Listing[], total: number): Set<number> {
  const keys = Array.from({ length: total }, (_, n) => String(n)).toSorted();
  const found = plan.flatMap(({ digits, all }) => {
    const listed = keys.filter((key) => key.startsWith(digits));
    return all ? listed : listed.slice(0, 1);
  });
  return new Set(found.map(Number));
}

describe("the list calls for a range of blocks", () => {
  it("show every block of it, whatever the range and the chain", () => {
    const ranges = tuple(
      integer({ min: 0, max: 12_000 }),
      integer({ min: 0, max: 12_000 }),
      integer({ min: 1, max: 300 }),
    ).map(([total, from, size]) => ({ total, from, end: Math.min(from + size, total) }));
    assert(
      property(ranges, ({ total, from, end }) => {
        const found = shown(listingPlan(from, end, total), total);
        for (let n = from; n < end; n++) if (!found.has(n)) return false;
        return true;
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it.for([
    { total: 800, from: 0, end: 800, pages: 1 },
    { total: 5_000, from: 4_000, end: 5_000, pages: 2 },
    { total: 100_000, from: 98_000, end: 99_000, pages: 2 },
    { total: 1_000_000, from: 456_000, end: 457_000, pages: 2 },
    { total: 1_000_000, from: 456_300, end: 457_300, pages: 10 },
  ])("cost a handful: $from to $end of $total at most $pages", ({ total, from, end, pages }) => {
    expect(pagesOf(listingPlan(from, end, total), total)).toBeLessThanOrEqual(pages);
  });

  it("cost, over a whole chain, a handful for each 1,000 blocks", () => {
    const total = 100_000;
    let pages = 0;
    for (let from = 0; from < total; from += 1_000)
      pages += pagesOf(listingPlan(from, from + 1_000, total), total);
    expect(pages / (total / 1_000)).toBeLessThan(5);
  });

  it("are none for an empty range", () => {
    expect(listingPlan(5, 5, 10)).toEqual([]);
  });
});
