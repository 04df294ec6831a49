import { describe, expect, it } from "vitest";
import { emptyHistogram, withObservations } from "../../../../shared/runtime/histogram.ts";

describe("a histogram", () => {
  it("puts a value into the first bucket whose bound is not below it, and what is above all into the last", () => {
    const { counts, sum } = withObservations(emptyHistogram([1, 5, 10]), [0, 1, 1.01, 5, 10, 10.5, 1_000]);
    expect(counts).toEqual([2, 2, 1, 2]);
    expect(sum).toBeCloseTo(1_027.51);
  });

  it("adds up over many observations, and leaves the one before as it was", () => {
    const first = withObservations(emptyHistogram([1]), [1]);
    const second = withObservations(first, [2, 3]);
    expect(first).toEqual({ bounds: [1], counts: [1, 0], sum: 1 });
    expect(second).toEqual({ bounds: [1], counts: [1, 2], sum: 6 });
  });

  it("keeps the bounds that it was begun with", () => {
    const stored = JSON.parse(JSON.stringify(emptyHistogram([1, 2]))) as ReturnType<typeof emptyHistogram>;
    expect(withObservations(stored, [1.5]).bounds).toEqual([1, 2]);
  });
});
