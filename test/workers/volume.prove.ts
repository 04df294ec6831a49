import { afterAll, expect, it } from "vitest";
import { Bench, compareVolumes, SMALL } from "../bench/volume.ts";

const bench = new Bench();
afterAll(() => bench.close());

const LARGER = {
  blocks: 160,
  mined: 8_000,
  waiting: 48_000,
  setAside: 16_000,
  intents: 32_000,
  deadLetters: 16_000,
};

it("a decision, an alarm and a call read as many rows whatever the objects hold", async () => {
  const compared = await compareVolumes(bench, SMALL, LARGER, 1);
  expect(compared.length).toBeGreaterThan(25);
  for (const { name, small, full } of compared) {
    const [less = NaN, more = NaN] = [small, full].map(([one]) => one?.rows.read);
    // The history tree grows by one level whenever the chain doubles.
    expect(Math.abs(more - less), `${name}: ${less} and ${more} rows`).toBeLessThanOrEqual(less * 0.01);
  }
});
