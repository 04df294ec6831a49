import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { soak } from "./run.ts";

it("mines every payment exactly once, through repeats, a stop and two kills", async (context) => {
  const directory = mkdtempSync(join(tmpdir(), "vdc-soak-"));
  context.onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const { violations, ...outcome } = await soak({
    payments: 240,
    restarts: 3,
    seed: 3,
    lanes: 12,
    memory: false, // a judgement of memory needs minutes
    directory,
    now: Date.now(),
    signal: context.signal,
  });
  expect(violations).toEqual([]);
  expect(outcome.restarts).toMatchObject({ stop: 1, kill: 1, "kill-admitted": 1 });
  expect(outcome.transactions).toBeGreaterThanOrEqual(240);
  expect(outcome.setAside).toBeGreaterThan(0);
  expect(outcome.mined).toBe(outcome.transactions - outcome.setAside);
  expect(outcome.repeats).toBeGreaterThan(60);
  expect(outcome.blocks).toBeGreaterThan(3);
});
