import { expect, it } from "vitest";
import { observedTier, type TierOperation } from "../../../../shared/storage/observed-tier.ts";
import type { BlockCopy, Tier } from "../../../../shared/storage/tier.ts";

const COPY = { cid: "Qm1" } as BlockCopy;
const LOCATOR = { blockNumber: 1, cid: "Qm1", hash: "a" };

function watched(tier: Partial<Tier>) {
  const seen: TierOperation[] = [];
  let now = 1_000;
  const clock = () => (now += 250);
  return { seen, tier: observedTier({ name: "r2", ...tier } as Tier, (ended) => seen.push(ended), clock) };
}

it("answers as the tier does, and tells how long it took", async () => {
  const holding = { state: "missing", detail: "none" } as const;
  const stored: BlockCopy[] = [];
  const { seen, tier } = watched({
    store: async (copy) => void stored.push(copy),
    read: async () => holding,
  });
  expect(tier.name).toBe("r2");
  await tier.store(COPY);
  expect(await tier.read(LOCATOR)).toBe(holding);
  expect(stored).toEqual([COPY]);
  expect(seen).toEqual([
    { tier: "r2", operation: "store", ok: true, milliseconds: 250 },
    { tier: "r2", operation: "read", ok: true, milliseconds: 250 },
  ]);
});

it("fails as the tier does, and tells that too", async () => {
  const failure = new Error("R2 is down");
  const { seen, tier } = watched({ replace: () => Promise.reject(failure) });
  await expect(tier.replace(COPY)).rejects.toBe(failure);
  expect(seen).toEqual([{ tier: "r2", operation: "repair", ok: false, milliseconds: 250 }]);
});
