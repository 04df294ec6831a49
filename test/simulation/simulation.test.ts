import { describe, expect, it } from "vitest";
import { MUTATIONS } from "./mutations/all.ts";
import { mutatedExport } from "./mutations/apply.ts";
import { runSeeds, seedThatFinds } from "./seeds.ts";

/** Cheap seeds. `npm run prove` runs other seeds every day. */
const FROM = 8;
const SEEDS = 1;
/** Milliseconds. The limit is for a simulation that hangs, not for a slow machine. */
const HANGS_AFTER_MS = 1_800_000;

describe("every Worker on a simulated platform, in short", { timeout: HANGS_AFTER_MS }, () => {
  it("keeps every promise, and does the same again for the same seed", async () => {
    const reports = await runSeeds({ seeds: SEEDS, from: FROM, jobs: 1 });
    const broken = reports.flatMap(({ seed, violations }) => violations.map((found) => ({ seed, ...found })));
    expect(broken).toEqual([]);
    expect(reports).toHaveLength(SEEDS);
    expect(reports.reduce((sum, { blocks }) => sum + blocks, 0)).toBeGreaterThanOrEqual(SEEDS);
    const last = FROM + SEEDS - 1;
    const [alone] = await runSeeds({ seeds: 1, from: last, jobs: 1 });
    expect(alone).toEqual(reports.find(({ seed }) => seed === last));
  });

  it.each(MUTATIONS.filter(({ inEveryRun }) => inEveryRun))("finds $name: $breaks", async (mutation) => {
    expect(await seedThatFinds(mutation)).toBeDefined();
  });

  it("names the mutation, the file and the seam when a module has lost the seam", async () => {
    const lost = mutatedExport("no-wake", { renamed: () => {} });
    await expect(lost).rejects.toThrow(
      "mutation no-wake: shared/durable-object/alarm.ts has no export setAlarmNoLaterThan",
    );
  });
});
