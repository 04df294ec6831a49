import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { TIER_NAMES, type TierName } from "../../shared/storage/tier.ts";
import { checkChain } from "../support/check-chain.ts";
import { mine, purchase } from "../support/payments.ts";
import type { Pipeline } from "../support/pipeline.ts";
import { submit } from "../support/sealed-payments.ts";
import { startChain } from "../support/started-chain.ts";
import { archivedBytes, corrupt, lose, verify } from "../support/storage.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startChain();
  await submit(pipeline, purchase({ assetId: "deed-1" }));
  await mine(pipeline);
});
afterEach(() => pipeline.pinning.clearFaults());
afterAll(() => pipeline.close());

const OTHERS = (tiers: readonly TierName[]) => TIER_NAMES.filter((name) => !tiers.includes(name));
/** The source is the first sound tier, in this order: the specification, "Rehydration Priority". */
const firstOf = (tiers: readonly TierName[]) => TIER_NAMES.find((name) => tiers.includes(name));

describe("a block that is whole", () => {
  it("is ok, in the specification's body", async () => {
    const block = (await checkChain(pipeline))[1];
    const cid = await cidV0(await archivedBytes(pipeline, 1));
    expect(await verify(pipeline, 1)).toEqual({
      blockNumber: 1,
      kv: { present: true, hash: block?.hash },
      r2: { present: true, hash: block?.hash },
      ipfs: { present: true, hash: cid },
      index: { complete: true, missing: 0 },
      source: "kv",
      rehydrated: {},
      status: "ok",
      message: "Block present in all storage tiers",
    });
  });
});

const SINGLE = TIER_NAMES.map((name) => [name] as const);
const DOUBLE = TIER_NAMES.flatMap((a, i) => TIER_NAMES.slice(i + 1).map((b) => [a, b] as const));
const FAULTS = { lost: lose, corrupt } as const;

describe.for(Object.keys(FAULTS) as (keyof typeof FAULTS)[])("copies that are %s", (fault) => {
  it.for([...SINGLE, ...DOUBLE])(
    "in %j are restored from a sound one",
    async (tiers: readonly TierName[]) => {
      const before = await archivedBytes(pipeline, 1);
      for (const tier of tiers.toReversed()) await FAULTS[fault](pipeline, tier, 1);

      const dry = await verify(pipeline, 1, false);
      expect(dry).toMatchObject({ status: "partial", rehydrated: {}, source: firstOf(OTHERS(tiers)) });
      for (const tier of tiers) expect(dry[tier].present, tier).toBe(false);
      for (const tier of OTHERS(tiers)) expect(dry[tier].present, tier).toBe(true);

      if (fault === "corrupt" && tiers.includes("ipfs"))
        pipeline.pinning.setFault({ kind: "gateway_altered", cid: await cidV0(before), times: 1 });
      const report = await verify(pipeline, 1);
      expect(report).toMatchObject({ status: "rehydrated", source: firstOf(OTHERS(tiers)) });
      expect(Object.keys(report.rehydrated).toSorted()).toEqual([...tiers].toSorted());
      expect(await verify(pipeline, 1)).toMatchObject({ status: "ok" });
      expect(await archivedBytes(pipeline, 1)).toEqual(before);
      await checkChain(pipeline);
    },
  );
});
