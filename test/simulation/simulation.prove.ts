import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { replayCommand } from "./report.ts";
import type { SeedReport } from "./run-seed.ts";
import { runSeeds, SEED_HANGS_AFTER_MS } from "./seeds.ts";

const DAY_MS = 86_400_000;
/** The seeds of two days differ as long as a day runs at most this many. */
const SEEDS_A_DAY = 1_000;

/** Seeds that once failed, and led to a fix of VDC or of the simulation. */
const ONCE_BROKEN = [
  21_572, 52_000_009, 52_000_422, 53_000_992, 53_001_134, 53_001_255, 706_851_737, 706_851_792, 706_851_794,
];

const from = setting("VDC_SEEDS_FROM", Math.floor(Date.now() / DAY_MS) * SEEDS_A_DAY);
const seeds = setting("VDC_SEEDS", 200);

describe("every Worker on a simulated platform", () => {
  it("keeps every promise, whatever goes wrong", { timeout: seeds * SEED_HANGS_AFTER_MS }, async () => {
    console.log(
      `simulating seeds ${from} to ${from + seeds - 1}. To repeat them: npm run simulate -- --from ${from} --seeds ${seeds}`,
    );
    const reports = await runSeeds({ seeds, from, jobs: availableParallelism() });
    expect(brokenIn(reports)).toEqual([]);
    expect(reports).toHaveLength(seeds);
    expect(reports.reduce((sum, { blocks }) => sum + blocks, 0)).toBeGreaterThan(seeds);
  });

  it(
    "keeps them in each seed that broke one before",
    { timeout: ONCE_BROKEN.length * SEED_HANGS_AFTER_MS },
    async () => {
      for (const seed of ONCE_BROKEN)
        expect(brokenIn(await runSeeds({ seeds: 1, from: seed, jobs: 1 }))).toEqual([]);
    },
  );

  it(
    "does the same again for the same seed, also after others",
    { timeout: 10 * SEED_HANGS_AFTER_MS },
    async () => {
      const last = from + 4;
      const afterOthers = await runSeeds({ seeds: 5, from, jobs: 1 });
      const [alone] = await runSeeds({ seeds: 1, from: last, jobs: 1 });
      expect(alone).toEqual(afterOthers.find(({ seed }) => seed === last));
    },
  );
});

function brokenIn(reports: readonly SeedReport[]): string[] {
  return reports.flatMap(({ seed, violations }) =>
    violations.map(({ promise, what }) => `seed ${seed}: ${promise}: ${what}. ${replayCommand(seed)}`),
  );
}

/** @throws Error when the environment variable is set to anything but a positive whole number */
function setting(name: string, otherwise: number): number {
  const text = process.env[name] || String(otherwise);
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${name} is ${text}: expected a positive whole number`);
  return Number(text);
}
