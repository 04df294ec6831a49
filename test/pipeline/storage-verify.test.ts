import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { blockBytes, buildBlock, readBlock } from "../../shared/chain/block.ts";
import { fromUtf8 } from "../../shared/crypto/bytes.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { loadKeyring } from "../../shared/crypto/keyring.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { TIER_NAMES, type TierName } from "../../shared/storage/tier.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { parked } from "../support/chain/parked.ts";
import { until } from "../support/stack/patience.ts";
import { mine, purchase, status } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { submit } from "../support/payments/sealed-payments.ts";
import { startChain } from "../support/chain/started-chain.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import {
  archivedBytes,
  bring,
  corrupt,
  lose,
  restore,
  runs,
  storageStatus,
  unpin,
  verify,
  verifyAll,
} from "../support/stack/storage.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startChain();
  await submit(pipeline, purchase({ assetId: "deed-1" }));
  await mine(pipeline);
});
afterEach(() => pipeline.pinning.clearFaults());
afterAll(() => pipeline.close());

const OTHERS = (tiers: readonly TierName[]) => TIER_NAMES.filter((name) => !tiers.includes(name));
/**
 * Returns the first of these tiers in the order of the specification, "Rehydration Priority". The source of a restore
 * is the first right copy.
 */
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
      privateParts: { complete: true, missing: 0 },
      source: "kv",
      rehydrated: {},
      untrusted: null,
      status: "ok",
      message: "Block present in all storage tiers",
    });
  });
});

describe("the clock", () => {
  it("verifies the next blocks each day, and restores what is wrong [T20]", async () => {
    await lose(pipeline, "kv", 2);
    await pipeline.fireCron("storage-verifier", "0 3 * * *");
    expect(await verify(pipeline, 2)).toMatchObject({ status: "ok" });
    expect((await runs(pipeline)).runs).toMatchObject([{ by: "schedule", state: "done", rehydrated: 1 }]);
    await pipeline.fireCron("storage-verifier", "0 3 * * *");
    expect((await runs(pipeline)).runs).toHaveLength(1);
  });
});

const SINGLE = TIER_NAMES.map((name) => [name]);
const DOUBLE = TIER_NAMES.flatMap((a, i) => TIER_NAMES.slice(i + 1).map((b) => [a, b]));
const CASES = [...SINGLE, ...DOUBLE].map((tiers) => ({ tiers, names: tiers.join(" and ") }));
const FAULTS = { lost: lose, corrupt } as const;

describe.for(Object.keys(FAULTS) as (keyof typeof FAULTS)[])("copies that are %s", (fault) => {
  it.for(CASES)("are restored in $names from a sound one [T44 T47 T49 T58]", async ({ tiers }) => {
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
  });
});

describe("what else can be wrong with a copy", () => {
  it("KV that does not name the CID is wrong_cid, and gets ipfsHash and ipfsGatewayUrl", async () => {
    const key = kvKeys.block(1);
    const { value, metadata } = await pipeline.kv.getWithMetadata<Record<string, unknown>, object>(
      key,
      "json",
    );
    const other = await cidV0(await archivedBytes(pipeline, 2));
    await pipeline.kv.put(key, JSON.stringify({ ...value, ipfsHash: other }), { metadata });
    expect(await verify(pipeline, 1)).toMatchObject({
      status: "rehydrated",
      source: "kv",
      rehydrated: { kv: "wrong_cid" },
    });
    expect(await pipeline.kv.get(key, "json")).toMatchObject({
      ipfsHash: value?.ipfsHash,
      ipfsGatewayUrl: value?.ipfsGatewayUrl,
    });
    await checkChain(pipeline);
  });

  it("a pin that the service does not list counts as missing, though a gateway still serves it", async () => {
    const cid = await cidV0(await archivedBytes(pipeline, 1));
    pipeline.pinning.setFault({ kind: "gateway_missing", cid, times: 1 });
    expect((await verify(pipeline, 1, false)).ipfs).toMatchObject({ present: false, fault: "missing" });
    await unpin(pipeline, cid);
    expect(await verify(pipeline, 1)).toMatchObject({
      status: "rehydrated",
      rehydrated: { ipfs: "missing" },
    });
  });

  it("another block that our own key signed is forked: kept as evidence, and the chain is halted [T32 T40 T48]", async () => {
    const [forged, sealed] = [await signedFork(1), await archivedBytes(pipeline, 1)];
    await pipeline.r2.put(r2Keys.block(1), forged);
    expect((await verify(pipeline, 1, false)).r2).toMatchObject({ present: false, fault: "forked" });
    expect((await status(pipeline)).halted).toBeNull();

    expect(await verify(pipeline, 1)).toMatchObject({
      status: "rehydrated",
      rehydrated: { r2: "forked" },
      message: expect.stringContaining("the chain is halted"),
    });
    expect(await archivedBytes(pipeline, 1)).toEqual(sealed);
    const { objects } = await pipeline.r2.list({ prefix: "evidence/1/r2-" });
    const kept = await Promise.all(objects.map(async ({ key }) => (await pipeline.r2.get(key))?.text()));
    expect(kept).toContain(fromUtf8(forged));
    expect((await status(pipeline)).halted?.reason).toContain("block 1");
    const body = JSON.stringify({ by: "test", reason: "the other copy was made by this test" });
    await pipeline.operate("/api/vdc/resume", { method: "POST", body });
    await checkChain(pipeline);
  });

  it("keys of the index that are missing or wrong are written again [T50 T59]", async () => {
    const block = (await checkChain(pipeline))[2];
    const txId = block?.transactions[0]?.id ?? "";
    const record = await pipeline.kv.get(kvKeys.transaction(txId));
    const asset = await pipeline.kv.get(kvKeys.asset("deed-1"));
    await pipeline.kv.delete(kvKeys.transaction(txId));
    await pipeline.kv.put(
      kvKeys.asset("deed-1"),
      JSON.stringify({ assetId: "deed-1", vdcBlockNumber: 1, owner: "a".repeat(64), note: "x" }),
    );
    expect(await verify(pipeline, 2, false)).toMatchObject({
      status: "partial",
      index: { complete: false, missing: 2 },
    });
    expect(await verify(pipeline, 2)).toMatchObject({
      status: "rehydrated",
      rehydrated: { index: "missing" },
    });
    expect(await pipeline.kv.get(kvKeys.transaction(txId))).toBe(record);
    expect(await pipeline.kv.get(kvKeys.asset("deed-1"), "json")).toEqual({
      ...JSON.parse(asset ?? ""),
      note: "x", // an asset that a payment created has no owner; values of other programs stay
    });
  });
});

describe("a tier that can't be read", () => {
  it("is unreachable, not missing: nothing is repaired on a guess [T60]", async () => {
    pipeline.pinning.setFault({ kind: "fail", status: 500, on: "gateway" });
    const before = await cidV0(await archivedBytes(pipeline, 1));
    const uploads = pipeline.pinning.stats().requests.upload;
    const report = await verify(pipeline, 1);
    expect(report).toMatchObject({
      status: "partial",
      rehydrated: {},
      ipfs: { present: false, fault: "unreachable" },
    });
    expect(pipeline.pinning.stats().requests.upload, "nothing was pinned again").toBe(uploads);
    expect((await storageStatus(pipeline, "?from=1&limit=1")).blocks, "unknown is not missing").toMatchObject(
      [{ blockNumber: 1, ipfs: before, complete: true }],
    );
    pipeline.pinning.clearFaults();
    expect(await verify(pipeline, 1)).toMatchObject({ status: "ok", ipfs: { hash: before } });
  });

  it("leaves a block undecided, not failed, when no other tier has it", async () => {
    const bytes = await archivedBytes(pipeline, 1);
    await lose(pipeline, "kv", 1);
    await lose(pipeline, "r2", 1);
    pipeline.pinning.setFault({ kind: "rate_limit", retryAfterSeconds: 3_600 });
    expect(await verify(pipeline, 1)).toMatchObject({ status: "partial", source: null, rehydrated: {} });
    pipeline.pinning.clearFaults();
    expect(await verify(pipeline, 1)).toMatchObject({ status: "rehydrated", source: "ipfs" });
    expect(await archivedBytes(pipeline, 1)).toEqual(bytes);
  });
});

describe("a block that no tier has", () => {
  it("is failed and parked as a dead letter, until somebody brings its bytes [T47]", async () => {
    const bytes = await archivedBytes(pipeline, 1);
    for (const tier of ["kv", "ipfs", "r2"] as const) await lose(pipeline, tier, 1);
    expect(await verify(pipeline, 1, false)).toMatchObject({ status: "failed", source: null });
    expect(await parked(pipeline, "storage-verifier")).toEqual([]);
    const report = await verify(pipeline, 1);
    expect(report).toMatchObject({ status: "failed", kv: { fault: "missing" }, index: { missing: null } });
    expect(report.message).toContain("vdc storage bring 1");
    await until(async () =>
      expect(await parked(pipeline, "storage-verifier")).toMatchObject([
        { reason: "unrepairable", blockNumber: 1, message: { kind: "block", blockNumber: 1 } },
      ]),
    );
    expect(await storageStatus(pipeline)).toMatchObject({ summary: { incomplete: 1 } });

    const wrong = await bring(pipeline, 1, await archivedBytes(pipeline, 2));
    await expectProblem(wrong, "invalid-body");
    await expectProblem(await bring(pipeline, 1, await signedFork(2, 1)), "invalid-body");
    expect((await bring(pipeline, 1, bytes)).status).toBe(200);
    expect(await verify(pipeline, 1)).toMatchObject({ status: "ok" });
    const listed = await pipeline.operate("/api/dead-letters?stage=storage-verifier");
    const { entries }: { entries: { id: string }[] } = await listed.json();
    expect(entries).toMatchObject([{ blockNumber: 1, state: "resolved" }]);
    const body = JSON.stringify({ reason: "nothing is left to do" });
    const dismissed = await pipeline.operate(`/api/dead-letters/${entries[0]?.id}/dismiss`, {
      method: "POST",
      body,
    });
    await expectProblem(dismissed, "not-needed");
    await checkChain(pipeline);
  });
});

describe("all blocks", () => {
  it("are verified at once when they are few, in the specification's body", async () => {
    await lose(pipeline, "r2", 2);
    const { duration, ...dry } = await verifyAll(pipeline, false);
    expect(dry).toMatchObject({ totalBlocks: 3, verified: 2, rehydrated: 0, partial: 1, failed: 0 });
    expect(dry.results.map(({ blockNumber, status: state }) => [blockNumber, state])).toEqual([
      [0, "ok"],
      [1, "ok"],
      [2, "partial"],
    ]);
    expect(duration).toBeGreaterThanOrEqual(0);
    expect(await verifyAll(pipeline)).toMatchObject({ verified: 2, rehydrated: 1, partial: 0 });
    expect(await verifyAll(pipeline)).toMatchObject({ verified: 3, rehydrated: 0 });
  });

  it("are listed with the tiers that have them, a page at a time", async () => {
    const [cid0, cid1] = await Promise.all([0, 1].map(async (n) => cidV0(await archivedBytes(pipeline, n))));
    expect(await storageStatus(pipeline, "?limit=1")).toEqual({
      totalBlocks: 3,
      blocks: [{ blockNumber: 0, kv: true, r2: true, ipfs: cid0, complete: true }],
      summary: { complete: 1, incomplete: 0 },
      documents: {
        total: 0,
        unverified: 0,
        partial: 0,
        failed: 0,
        verifiedSince: null,
        rehydrated: { r2: 0, ipfs: 0 },
      },
      verification: {
        failing: 0,
        withoutPrivateParts: 0,
        partial: 0,
        verifiedSince: expect.any(Number),
        lastRun: expect.objectContaining({ state: "done" }),
      },
      next: 1,
    });
    await lose(pipeline, "kv", 1);
    expect(await storageStatus(pipeline, "?from=1")).toMatchObject({
      blocks: [
        { blockNumber: 1, kv: false, r2: true, ipfs: cid1, complete: false },
        { blockNumber: 2, complete: true },
      ],
      summary: { complete: 1, incomplete: 1 },
      next: null,
    });
    await verify(pipeline, 1);
  });
});

describe("the transparency logs", () => {
  it("are verified after the blocks: a tile that was altered is made anew, and the wrong bytes are kept", async () => {
    const sizes = async () =>
      (await pipeline.r2.list({ prefix: "log/checkpoints/" })).objects.map(({ key }) => key);
    await until(async () => expect(await sizes()).toContain("log/checkpoints/3"));
    await until(async () => expect((await verifyAll(pipeline)).log).toMatchObject({ total: 4, failed: 0 }));
    const keys = ["log/tile/0/000.p/3", "log/tx/tile/0/000.p/3", "log/checkpoints/3"];
    const bytesOf = async (key: string) =>
      new Uint8Array((await (await pipeline.r2.get(key))?.arrayBuffer()) ?? new ArrayBuffer());
    const sound = await Promise.all(keys.map(bytesOf));
    await pipeline.r2.put("log/tile/0/000.p/3", "damaged");
    await pipeline.r2.delete(keys.slice(1));
    expect((await verifyAll(pipeline, false)).log).toMatchObject({ restored: 0 });
    expect((await verifyAll(pipeline)).log).toMatchObject({ checked: 4, restored: 3, failed: 0 });
    expect(await Promise.all(keys.map(bytesOf))).toEqual(sound);
    expect((await pipeline.r2.list({ prefix: "evidence/log/tile/0/000.p/3-" })).objects).toHaveLength(1);
  });
});

describe("what can't be verified", () => {
  it("is a 404 for a block that is not there", async () => {
    const response = await pipeline.operate("/api/storage-verify/verify/99", { method: "POST" });
    expect((await expectProblem(response, "not-found")).detail).toContain("3");
  });

  it("is a 409 for a block that is on its way, and for a restore that nobody needs", async () => {
    pipeline.pinning.setFault({ kind: "fail", status: 500, on: "upload" });
    await submit(pipeline);
    await pipeline.operate("/api/vdc/mine", { method: "POST" });
    await until(async () => expect((await status(pipeline)).counts.blocks).toBe(4));
    const response = await pipeline.operate("/api/storage-verify/verify/3", { method: "POST" });
    await expectProblem(response, "not-ready");
    await expectProblem(await restore(pipeline), "not-needed");
    await expectProblem(await bring(pipeline, 9, await archivedBytes(pipeline, 2)), "invalid-body");
  });
});

/** Makes block `n` again with another time, signed by the system's own key. */
async function signedFork(n: number, as = n): Promise<Uint8Array<ArrayBuffer>> {
  const { signing } = await loadKeyring(pipeline.secrets.SYSTEM_KEYRING);
  const block = readBlock(await archivedBytes(pipeline, n));
  const frame = { ...block, blockNumber: as, timestamp: block.timestamp + 1 };
  return blockBytes(await buildBlock(frame, block.transactions, signing.active));
}
