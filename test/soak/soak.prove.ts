import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { brokenPromises, wrongKeys, type Promised } from "./check.ts";
import { growthOf } from "./memory.ts";
import { soak } from "./soak.ts";

it("the local stack keeps every promise through repeats, a stop and two kills", async (context) => {
  const directory = mkdtempSync(join(tmpdir(), "vdc-soak-"));
  context.onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const { violations, counts } = await soak({
    payments: 240,
    restarts: 3,
    seed: 3,
    lanes: 48,
    memory: false, // a judgement of memory needs minutes
    directory,
    signal: context.signal,
  });
  expect(violations).toEqual([]);
  expect(counts).toMatchObject({ killed: 1, stopped: 2, "killed while mining": 1 });
  expect(counts.mined).toBe(counts.transactions - counts.setAside);
  expect(counts.requests).toBeGreaterThan(counts.transactions);
  const found = ["transactions", "blocks", "setAside", "documents", "users", "ignored or refused"] as const;
  for (const what of found) expect(counts[what], what).toBeGreaterThan(3);
});

describe("the check after a soak", () => {
  const promised = new Map<string, Promised>([
    ["paid", { type: "payment" }],
    ["first", { type: "asset_creation", assetId: "deed" }],
    ["late", { type: "asset_creation", assetId: "deed" }],
  ]);
  const genesis = { id: "genesis", type: "genesis", data: {}, blockNumber: 0 } as const;
  const paid = { id: "paid", type: "payment", data: {}, blockNumber: 1 } as const;
  const first = { id: "first", type: "asset_creation", data: { assetId: "deed" }, blockNumber: 1 } as const;
  const late = { ...first, id: "late", blockNumber: 2 };
  const letter = { txId: "late", reason: "asset_exists" };
  const sound = [genesis, paid, first];

  it("finds nothing when every promise is kept", () => {
    expect(brokenPromises(sound, promised, [letter])).toEqual([]);
    expect(wrongKeys(["a", "b"], ["a"], ["b"])).toEqual([]);
  });

  it.for([
    ["a lost payment", [genesis, first], [letter], "paid is lost"],
    [
      "a payment in two blocks",
      [...sound, { ...paid, blockNumber: 2 }],
      [letter],
      "paid is mined twice: blocks 1, 2",
    ],
    ["a payment twice in one block", [...sound, paid], [letter], "paid is mined twice: blocks 1, 1"],
    ["a transaction that nobody sent", [...sound, { ...paid, id: "other" }], [letter], "was sent as nothing"],
    ["a transaction of another type", [genesis, { ...paid, type: "refund" }, first], [letter], "is a refund"],
    ["an asset that is created twice", [...sound, late], [], "deed is created 2 times"],
    ["a transaction that is mined and set aside", [...sound, late], [letter], "late is mined, and set aside"],
    ["a lost claim", sound, [], "late is lost"],
    ["a set-aside payment", sound, [letter, { txId: "paid", reason: "asset_exists" }], "paid is set aside"],
    ["another reason", sound, [{ ...letter, reason: "undecryptable" }], "late is set aside: undecryptable"],
  ] as const)("finds %s", ([, mined, deadLetters, violation]) => {
    expect(brokenPromises(mined, promised, deadLetters).join("\n")).toContain(violation);
  });

  it("finds a key that is missing or left over", () => {
    expect(wrongKeys(["b"], ["a"], [])).toEqual(["a is missing", "b is left over"]);
  });

  it.for([
    ["a level with noise", (requests: number) => 50e6 + noise(requests)],
    ["a cache that fills at first", (requests: number) => 50e6 + Math.min(requests, 9_000) * 1_000],
    ["one high sample", (requests: number) => (requests === 35_000 ? 90e6 : 50e6)],
    ["a fall", (requests: number) => 90e6 - requests * 100],
    ["the growth that is allowed", (requests: number) => 50e6 + requests * 32],
  ] as const)("takes %s for flat memory", ([, bytes]) => {
    expect(growthOf(life(bytes))?.excess).toBeLessThanOrEqual(0);
  });

  it.for([
    ["a small leak with noise", (requests: number) => 50e6 + requests * 200 + noise(requests)],
    ["a leak that begins half way", (requests: number) => 50e6 + Math.max(0, requests - 20_000) * 300],
  ] as const)("finds %s", ([, bytes]) => {
    expect(growthOf(life(bytes))?.excess).toBeGreaterThan(0);
  });

  it("says nothing about memory from a few samples, or from a few requests", () => {
    expect(growthOf(life((requests) => requests * 1_000, 9))).toBeUndefined();
    const slow = life((requests) => requests * 1_000).map((sample, i) => ({ ...sample, requests: 20 * i }));
    expect(growthOf(slow)).toBeUndefined();
  });
});

/** Samples of a heap, one for each thousand requests. */
function life(bytes: (requests: number) => number, samples = 40) {
  const requests = Array.from({ length: samples }, (_, i) => i * 1_000);
  return requests.map((requests) => ({ what: "miner", requests, bytes: bytes(requests) }));
}

/** Noise of up to half a megabyte in either direction, the same in each run. */
function noise(requests: number): number {
  return ((requests * 7_919) % 1_000_001) - 500_000;
}
