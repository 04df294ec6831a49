import { describe, expect, it } from "vitest";
import { MUTATIONS } from "./mutations.ts";
import type { SeedReport } from "./run-seed.ts";
import { runSeeds } from "./seeds.ts";

/** The form that every test run has; `npm run simulate` has as many seeds as you like. */
const SEEDS = 12;
const AT_ONCE = 2;
/** A mutation that no seed of these finds is one that the simulation can't see. */
const SEEDS_FOR_A_MUTATION = 40;

describe("every Worker on a simulated platform", { timeout: 300_000 }, () => {
  it("keeps every promise, whatever goes wrong", async () => {
    const reports = await runSeeds({ seeds: SEEDS, from: 1, jobs: AT_ONCE });
    const broken = reports.flatMap(({ seed, violations }) => violations.map((found) => ({ seed, ...found })));
    expect(broken).toEqual([]);
    expect(reports).toHaveLength(SEEDS);
    expect(reports.reduce((sum, { blocks }) => sum + blocks, 0)).toBeGreaterThan(SEEDS);
  });

  it("does the same again for the same seed, also among others", async () => {
    const [alone] = await runSeeds({ seeds: 1, from: 3, jobs: 1 });
    const amongOthers = await runSeeds({ seeds: 3, from: 1, jobs: 1 });
    expect(amongOthers.find(({ seed }) => seed === 3)).toEqual(alone);
  });

  it.concurrent.each(MUTATIONS)("finds $name: $breaks", async ({ name, breaks, seed }) => {
    const isFound = ({ violations }: SeedReport) => violations.some(({ promise }) => promise === breaks);
    const wanted = { seeds: SEEDS_FOR_A_MUTATION, from: seed, jobs: 1, mutation: name, until: isFound };
    expect((await runSeeds(wanted)).some(isFound)).toBe(true);
  });
});
