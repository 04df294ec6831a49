import { describe, expect, it } from "vitest";
import { chunkOf, TRANSACTIONS_AT_ONCE } from "../../../../workers/storage-verifier/runs/chunk.ts";

const sizes = (...counts: number[]) => chunkOf(counts.map((transactionCount) => ({ transactionCount })));

describe("a chunk of a run", () => {
  it("takes no more transactions than one invocation can index again", () => {
    expect(sizes(100, 100, 100, 100)).toHaveLength(3);
    expect(sizes(1, TRANSACTIONS_AT_ONCE - 1)).toHaveLength(2);
    expect(sizes(1, TRANSACTIONS_AT_ONCE)).toHaveLength(1);
    expect(sizes(1, 1, 1)).toHaveLength(3);
    expect(sizes()).toEqual([]);
  });

  it("takes a block that is too large by itself, so that the run goes on", () => {
    expect(sizes(2_000, 1)).toHaveLength(1);
  });

  it("leaves room in the 1,000 KV operations for the blocks themselves", () => {
    expect(2 * TRANSACTIONS_AT_ONCE + 4 * 50).toBeLessThan(1_000);
  });
});
