import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateSecrets } from "../../cli/local/stack/secrets.ts";
import type { StorageRun } from "../../shared/api/storage-report.ts";
import { workerName } from "../../shared/pipeline.ts";
import type { BlockCopy } from "../../shared/storage/tier.ts";
import { until } from "../support/stack/patience.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import { restart } from "../support/stack/restart.ts";
import { findRun, runs, startRun, storageStatus, untilRunEnds, verify } from "../support/stack/storage.ts";
import { longChain, archiveChain, writePins } from "../support/chain/stored-chain.ts";

const BLOCKS = 2_000;

let pipeline: Pipeline;
let chain: readonly BlockCopy[];
beforeAll(async () => {
  const secrets = await generateSecrets();
  chain = await longChain(secrets.SYSTEM_KEYRING, BLOCKS);
  pipeline = await startPipeline({
    secrets,
    vars: { PIN_DEADLINE_SECONDS: "60" }, // of 2,000 reads, a busy machine answers some only after seconds
    pins: (directory) => writePins(directory, chain),
  });
  await archiveChain(pipeline, chain);
});
afterAll(() => pipeline.close());

const post = (path: string, body?: object) =>
  pipeline.operate(`/api/storage-verify/${path}`, {
    method: "POST",
    ...(body && { body: JSON.stringify(body) }),
  });

const farther = (id: string, than: number) =>
  until(async () => expect((await findRun(pipeline, id)).next).toBeGreaterThan(than));

/** Blocks whose latest verification left something undone, each with the tiers that are wrong. */
async function troubles({ harness }: Pipeline): Promise<object[]> {
  const storage = await harness
    .getWorker(workerName("storage-verifier"))
    .getDurableObjectStorage("StorageRuns", { name: "vdc-main" });
  return storage.exec("SELECT block_number, status, wrong FROM trouble LIMIT 20");
}

describe("a chain of 2,000 blocks", () => {
  it("is restored into an empty chain head link by link", async () => {
    const run: StorageRun = await (await post("restore", { reason: "a new account" })).json();
    expect(await untilRunEnds(pipeline, run.id)).toMatchObject({ state: "done", next: BLOCKS });
  });

  it("is verified by a job, which is aborted, resumed, and survives a restart", async () => {
    const [run] = (await runs(pipeline)).runs; // the verification that follows a restore
    if (run === undefined) throw new Error("no run");
    expect(run).toMatchObject({ kind: "verify", totalBlocks: BLOCKS });
    await expectProblem(await post("verify-all"), "run-active");

    await farther(run.id, 0);
    const response = await pipeline.operate(`/api/storage-verify/runs/${run.id}`, { method: "DELETE" });
    expect(await response.json()).toMatchObject({ state: "aborted" });
    const stopped = await findRun(pipeline, run.id);
    expect(stopped.next).toBeLessThan(BLOCKS);

    const resumed = await post(`runs/${run.id}/resume`);
    expect(resumed.status).toBe(202);
    await farther(run.id, stopped.next);
    pipeline = await restart(pipeline); // the run's message is lost with the queue
    await farther(run.id, (await findRun(pipeline, run.id)).next);

    const done = await untilRunEnds(pipeline, run.id);
    expect(await troubles(pipeline)).toEqual([]);
    expect(done).toMatchObject({ state: "done", next: BLOCKS, partial: 0, failed: 0 });
    // Each block was restored into KV with its index. Blocks of an interrupted chunk were ok the second time.
    expect(done.verified + done.rehydrated, "each counts once").toBe(BLOCKS);
    expect(done.verified).toBeLessThanOrEqual(60);
    await expectProblem(await post(`runs/${run.id}/resume`), "not-needed");
    expect(await verify(pipeline, 1_990)).toMatchObject({ status: "ok" });
  });

  it("is listed in pages of 1,000", async () => {
    const [first, second] = [await storageStatus(pipeline), await storageStatus(pipeline, "?from=1000")];
    expect(first).toMatchObject({
      totalBlocks: BLOCKS,
      summary: { complete: 1_000, incomplete: 0 },
      next: 1_000,
    });
    expect(second).toMatchObject({ summary: { complete: 1_000, incomplete: 0 }, next: null });
    expect(second.blocks.at(-1)).toMatchObject({ blockNumber: 1_999, ipfs: chain.at(-1)?.cid });
  });

  it("is verified anew as a run of its own, from the start", async () => {
    const run = await startRun(pipeline);
    expect(run).toMatchObject({ state: "running", next: 0, totalBlocks: BLOCKS });
    await pipeline.operate(`/api/storage-verify/runs/${run.id}`, { method: "DELETE" });
  });
});
