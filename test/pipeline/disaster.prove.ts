import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import type { StorageRun } from "../../shared/api/storage-report.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import { mine, purchase, status } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import { submit } from "../support/payments/sealed-payments.ts";
import {
  archivedBytes,
  bring,
  corrupt,
  restore,
  runs,
  unpin,
  untilRunEnds,
  verifyAll,
} from "../support/stack/storage.ts";
import { kvFacts, loseKv, loseR2, transplant } from "../support/chain/transplant.ts";

const BLOCKS = 50;
/** A block for each transaction, with all blocks in flight at once, makes a long chain in a few seconds. */
const MANY_BLOCKS = { BLOCK_MAX_TRANSACTIONS: "1", MAX_BLOCKS_IN_FLIGHT: "100", STALL_AFTER_SECONDS: "60" };

let pipeline: Pipeline;
let hashes: string[];
const firstEvent = purchase();
beforeAll(async () => {
  pipeline = await startPipeline({ vars: MANY_BLOCKS });
  await submit(pipeline, firstEvent);
  for (let n = 2; n < BLOCKS; n++)
    await submit(pipeline, purchase(n % 5 === 0 ? { assetId: `deed-${n}` } : {}));
  await mine(pipeline);
  await untilPublished(pipeline, BLOCKS - 1);
  hashes = (await checkChain(pipeline)).map(({ hash }) => hash);
});
afterAll(() => pipeline.close());

/** Waits until all work is done and KV's hot keys, which are written at most once a second, show it. */
function untilPublished(of: Pipeline, blockNumber: number): Promise<void> {
  return until(async () => {
    const { inFlight, counts } = await status(of);
    expect({ inFlight, pending: counts.pending }).toEqual({ inFlight: [], pending: 0 });
    expect(await of.kv.get(kvKeys.latest, "json")).toMatchObject({ blockNumber });
    expect(await of.kv.get(kvKeys.pendingCount)).toBe("0");
  });
}

const sameChain = async (of: Pipeline = pipeline) =>
  expect((await checkChain(of)).slice(0, BLOCKS).map(({ hash }) => hash)).toEqual(hashes);

describe("a tier that is lost as a whole", () => {
  it("KV: blocks, indexes, latest and count are rebuilt from R2 [T59]", async () => {
    const before = await kvFacts(pipeline.kv);
    await loseKv(pipeline);
    expect(await verifyAll(pipeline)).toMatchObject({
      totalBlocks: BLOCKS,
      verified: 0,
      rehydrated: BLOCKS,
      failed: 0,
    });
    await until(async () => expect(await kvFacts(pipeline.kv)).toEqual(before));
    await sameChain();
  });

  it("KV and R2 together: both are rebuilt from IPFS", async () => {
    const before = await kvFacts(pipeline.kv);
    await loseKv(pipeline);
    await loseR2(pipeline, r2Keys.blockPrefix);
    const { rehydrated, results } = await verifyAll(pipeline);
    expect(rehydrated).toBe(BLOCKS);
    expect(results.every(({ source }) => source === "ipfs")).toBe(true);
    await until(async () => expect(await kvFacts(pipeline.kv)).toEqual(before));
    await sameChain();
  });

  it("R2's blocks: are restored from KV [T51 T58]", async () => {
    await loseR2(pipeline, r2Keys.blockPrefix);
    const { rehydrated, results } = await verifyAll(pipeline);
    expect(rehydrated).toBe(BLOCKS);
    expect(results.every(({ source }) => source === "kv")).toBe(true);
    await sameChain();
  });

  it("every pin: is pinned again [T20 T30 T46]", async () => {
    for (let n = 0; n < BLOCKS; n++) await unpin(pipeline, await cidV0(await archivedBytes(pipeline, n)));
    expect(await verifyAll(pipeline)).toMatchObject({ rehydrated: BLOCKS, failed: 0 });
    await sameChain();
    expect(await verifyAll(pipeline)).toMatchObject({ verified: BLOCKS, rehydrated: 0 });
  });
});

/** Starts a deployment with the first one's keys and an empty chain head. */
async function withEmptyHead<T>(work: (other: Pipeline) => Promise<T>): Promise<T> {
  const vars = { BLOCK_MAX_TRANSACTIONS: "1", STALL_AFTER_SECONDS: "60" };
  const other = await startPipeline({ vars, secrets: pipeline.secrets });
  try {
    return await work(other);
  } finally {
    await other.close();
  }
}

async function restored(other: Pipeline): Promise<StorageRun> {
  const response = await restore(other);
  const run: StorageRun = await response.json();
  expect(response.status, JSON.stringify(run)).toBe(202);
  return untilRunEnds(other, run.id);
}

/** Waits for the verification after a restore, and for the blocks that go through their stages again. */
async function untilWhole(other: Pipeline): Promise<void> {
  await until(async () => {
    const [latest] = (await runs(other)).runs;
    expect(latest).toMatchObject({ kind: "verify", state: "done" });
    expect((await status(other)).inFlight).toEqual([]);
  });
}

describe("a chain head that has lost its storage", () => {
  it.for([
    ["R2 alone", { r2: true }],
    ["KV alone", { kv: true }],
  ] as const)("makes no block until it is rebuilt, here from %s, and then the next one", async ([, what]) => {
    await withEmptyHead(async (other) => {
      await transplant(pipeline, other, what);
      const event = purchase();
      const txId = await submit(other, event);
      const halted = { ok: false, detail: expect.stringContaining("vdc restore") };
      const refused = await other.operate("/api/vdc/mine", { method: "POST" });
      expect((await expectProblem(refused, "halted")).detail).toContain("vdc restore");
      const ready = await other.fetch("/api/ready");
      expect([ready.status, await ready.json()]).toEqual([
        503,
        expect.objectContaining({ ready: false, checks: expect.objectContaining({ chain: halted }) }),
      ]);
      expect(await status(other)).toMatchObject({ halted: { endsWith: "restore" }, counts: { blocks: 0 } });

      expect(await restored(other)).toMatchObject({ state: "done", next: BLOCKS });
      await untilWhole(other);
      await mine(other);
      await untilPublished(other, BLOCKS);
      const blocks = await checkChain(other);
      expect(blocks.map(({ hash }) => hash).slice(0, BLOCKS)).toEqual(hashes);
      expect(blocks.slice(BLOCKS).map(({ transactions }) => transactions.map(({ id }) => id))).toEqual([
        [txId],
      ]);

      // Stripe delivers this event again, and an event that was mined before the loss. Neither is mined again.
      await submit(other, event);
      await submit(other, firstEvent);
      const answer = await other.operate("/api/vdc/mine?wait=1", { method: "POST" });
      expect(await answer.json()).toMatchObject({ mined: false });
      expect(await checkChain(other)).toHaveLength(BLOCKS + 1);
    });
  });

  it("stays closed when a block is in no tier as it was sealed, and says which [T61]", async () => {
    await withEmptyHead(async (other) => {
      await transplant(pipeline, other, { r2: true });
      await corrupt(other, "r2", 20);
      const run = await restored(other);
      expect(run).toMatchObject({ state: "failed", next: 20 });
      expect(run.message).toContain("Block 20");
      await submit(other);
      await other.operate("/api/vdc/mine", { method: "POST" });
      expect((await status(other)).counts.blocks).toBe(20);
      await expectProblem(await other.operate("/api/vdc/mine", { method: "POST" }), "halted");
    });
  });
});

describe("all is lost but somebody's copy of the blocks", () => {
  it("they are brought, verified link by link, and the chain goes on [T62]", async () => {
    await withEmptyHead(async (other) => {
      for (let n = 0; n < BLOCKS; n++) {
        const response = await bring(other, n, await archivedBytes(pipeline, n));
        expect(response.status, await response.text()).toBe(200);
      }
      expect(await restored(other)).toMatchObject({ state: "done", next: BLOCKS });
      await untilWhole(other);
      await sameChain(other);
      await submit(other);
      expect((await mine(other)).blockNumber).toBe(BLOCKS);
      await checkChain(other);
    });
  });
});
