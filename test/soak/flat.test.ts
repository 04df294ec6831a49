import { describe, expect, it } from "vitest";
import { growthOf, median, type Sample } from "./flat.ts";

const SLACK = { bytes: 1_000, bytesPerWork: 1 };
const series = (bytes: (work: number) => number, count = 40): Sample[] =>
  Array.from({ length: count }, (_, i) => ({ work: i * 100, bytes: bytes(i * 100) }));
/** Repeatable noise of up to 500 bytes in either direction. */
const noise = (work: number) => ((work * 7_919) % 1_001) - 500;

describe("the verdict on memory", () => {
  it("takes what stays the same, with its noise", () => {
    expect(
      growthOf(
        series((work) => 50_000 + noise(work)),
        SLACK,
      ),
    ).toMatchObject({ flat: true });
  });

  it("takes caches that fill in the first quarter", () => {
    const filling = series((work) => 50_000 + Math.min(work, 900) * 100 + noise(work));
    expect(growthOf(filling, SLACK)).toMatchObject({ flat: true });
  });

  it("takes a single high sample, at whatever place", () => {
    for (let spike = 0; spike < 4_000; spike += 100)
      expect(
        growthOf(
          series((work) => 50_000 + (work === spike ? 9_000_000 : 0)),
          SLACK,
        ),
      ).toMatchObject({ flat: true });
  });

  it("takes what shrinks", () => {
    expect(
      growthOf(
        series((work) => 900_000 - work * 10),
        SLACK,
      ),
    ).toMatchObject({ flat: true });
  });

  it("finds a leak of a few bytes for each request, however noisy", () => {
    const growth = growthOf(
      series((work) => 50_000 + work * 3 + noise(work)),
      SLACK,
    );
    expect(growth).toMatchObject({ flat: false });
    expect((growth?.to ?? 0) - (growth?.from ?? 0)).toBeGreaterThan(growth?.allowed ?? Infinity);
  });

  it("finds a leak that begins half way", () => {
    const late = series((work) => 50_000 + Math.max(0, work - 2_000) * 5);
    expect(growthOf(late, SLACK)).toMatchObject({ flat: false });
  });

  it("allows for each unit of work what the slack says, and no more", () => {
    const allowed = growthOf(
      series((work) => work),
      { bytes: 0, bytesPerWork: 1 },
    );
    expect(allowed).toMatchObject({ flat: true });
    expect(
      growthOf(
        series((work) => work * 1.01),
        { bytes: 0, bytesPerWork: 1 },
      ),
    ).toMatchObject({
      flat: false,
    });
  });

  it("takes what comes and goes with the work under way, more of it at the end", () => {
    const busy = series((work) => 50_000 + (work % 300 === 0 ? 0 : work > 3_000 ? 9_000 : 3_000));
    expect(growthOf(busy, SLACK)).toMatchObject({ flat: true });
  });

  it("says nothing of a few samples", () => {
    expect(
      growthOf(
        series((work) => work * 1e6, 7),
        SLACK,
      ),
    ).toBeUndefined();
    expect(
      growthOf(
        series((work) => work * 1e6, 8),
        SLACK,
      ),
    ).toMatchObject({ flat: false });
  });
});

describe("the median", () => {
  it("is the middle one, or between the two in the middle", () => {
    expect(median([3])).toBe(3);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([1, 100, 2, 4])).toBe(3);
    expect(() => median([])).toThrow("nothing");
  });
});
