import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { generateSecrets, type LocalSecrets } from "../../cli/local/stack/secrets.ts";
import { blockBytes, buildBlock } from "../../shared/chain/block.ts";
import { hex } from "../../shared/crypto/bytes.ts";
import { sha256OfFile } from "../../shared/crypto/hash.ts";
import { loadKeyring } from "../../shared/crypto/keyring.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { pendingMetadata } from "../../shared/storage/pending.ts";
import type { StorageRun } from "../../shared/api/storage-report.ts";
import type { BlockCopy } from "../../shared/storage/tier.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import { status } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import { bring, restore, runs, untilRunEnds } from "../support/stack/storage.ts";
import { longChain, storeChain, writePins } from "../support/chain/stored-chain.ts";
import { loseKv } from "../support/chain/transplant.ts";

/** More than may be in flight at a time, so that the stages do not store most of it again. */
const BLOCKS = 12;

let secrets: LocalSecrets;
let chain: readonly BlockCopy[];
beforeAll(async () => {
  secrets = await generateSecrets();
  chain = await longChain(secrets.SYSTEM_KEYRING, BLOCKS);
});

/** The whole chain is stored, and the chain head does not know it. */
let pipeline: Pipeline;
beforeEach(async () => {
  pipeline = await startPipeline({ secrets, pins: (directory) => writePins(directory, chain) });
  await storeChain(pipeline, chain);
});
afterEach(() => pipeline.close());

function copyOf(n: number): BlockCopy {
  const copy = chain[n];
  if (copy === undefined) throw new Error(`the chain has no block ${n}`);
  return copy;
}

async function stage(bytes: Uint8Array<ArrayBuffer>, n: number): Promise<void> {
  await pipeline.r2.put(r2Keys.sealed(n, hex(await sha256OfFile(bytes))), bytes);
}

/** Returns block `n` as another attempt would have made it: a moment later, and signed by the same key. */
async function otherAttempt(n: number): Promise<Uint8Array<ArrayBuffer>> {
  const { signing } = await loadKeyring(secrets.SYSTEM_KEYRING);
  const { block } = copyOf(n);
  return blockBytes(
    await buildBlock({ ...block, timestamp: block.timestamp + 1 }, block.transactions, signing.active),
  );
}

async function restored(): Promise<StorageRun> {
  const response = await restore(pipeline);
  const run: StorageRun = await response.json();
  expect(response.status, JSON.stringify(run)).toBe(202);
  return untilRunEnds(pipeline, run.id);
}

/** Expects every block finished, and in every tier as it was sealed. */
async function expectWhole(): Promise<void> {
  await until(async () => {
    expect((await runs(pipeline)).runs[0]).toMatchObject({ kind: "verify", state: "done", next: BLOCKS });
    expect(await pipeline.kv.get(kvKeys.latest, "json")).toMatchObject({ blockNumber: BLOCKS - 1 });
    expect((await status(pipeline)).inFlight).toEqual([]);
  });
  expect((await checkChain(pipeline)).map(({ hash }) => hash)).toEqual(chain.map(({ block }) => block.hash));
}

describe("a chain head that is restored", () => {
  it("has all of KV rebuilt from R2, and not only what may have been in flight", async () => {
    await loseKv(pipeline);
    expect(await restored()).toMatchObject({ state: "done", next: BLOCKS });
    await expectWhole();
  });

  it("takes a block that got no further than staging, though later ones did: the attempt that they name", async () => {
    await pipeline.kv.delete(kvKeys.block(7));
    await pipeline.r2.delete(r2Keys.block(7));
    await stage(await otherAttempt(7), 7);
    await stage(copyOf(7).bytes, 7);
    expect(await restored()).toMatchObject({ state: "done", next: BLOCKS });
    await expectWhole();
  });

  it("archives the private parts of a block that had not been cleared, before anything of it is [T51]", async () => {
    const { block, bytes } = copyOf(5);
    const txId = block.transactions[0]?.id ?? "";
    const envelope = '{"the":"envelope"}';
    await stage(bytes, 5);
    await pipeline.r2.put(r2Keys.pending(txId), envelope, {
      customMetadata: pendingMetadata({ timestamp: 5, size: 100 }),
    });
    await restored();
    await pipeline.fireCron("miner"); // sweeps the pending objects
    await expectWhole();
    expect(await pipeline.r2.head(r2Keys.pending(txId))).toBeNull();
    const kept = await pipeline.r2.get(r2Keys.private(5));
    expect(await kept?.json()).toMatchObject({ envelopes: { [txId]: JSON.parse(envelope) } });
  });

  it("goes on with a block that is brought, though R2 holds wrong bytes of it", async () => {
    await loseKv(pipeline);
    const forged = await otherAttempt(5);
    await pipeline.r2.put(r2Keys.block(5), forged.with(forged.length - 20, 65)); // whole, apart from its signature
    const run = await restored();
    expect(run).toMatchObject({ state: "failed", next: 5 });
    expect(run.message).toContain("vdc restore <file.car>");
    expect((await bring(pipeline, 5, copyOf(5).bytes)).status).toBe(200);
    expect(await restored()).toMatchObject({ state: "done", next: BLOCKS });
    await expectWhole();
    expect((await pipeline.r2.list({ prefix: "evidence/5/r2-" })).objects).toHaveLength(1);
  });

  it("does not end where an older run thought that the chain ended", async () => {
    await loseKv(pipeline);
    for (let n = 3; n < BLOCKS; n++) await pipeline.r2.delete(r2Keys.block(n));
    await pipeline.r2.delete(r2Keys.block(1));
    const run = await restored();
    expect(run).toMatchObject({ state: "failed", next: 1, totalBlocks: 3 });
    await storeChain(pipeline, chain);
    const path = `/api/storage-verify/runs/${run.id}/resume`;
    expect((await pipeline.operate(path, { method: "POST" })).status).toBe(202);
    expect(await untilRunEnds(pipeline, run.id)).toMatchObject({ state: "done", next: BLOCKS });
    await expectWhole();
  });
});

describe("a restore that can't be trusted", () => {
  it("is not begun when vdc:latest is rubbish: where the chain ended is not known [T60]", async () => {
    await pipeline.kv.put(kvKeys.latest, "rubbish");
    const { detail } = await expectProblem(await restore(pipeline), "not-needed");
    expect(detail).toContain(kvKeys.latest);
  });

  it("stays closed when R2 and KV hold the beginnings of two chains [T40 T61]", async () => {
    const other = await longChain((await generateSecrets()).SYSTEM_KEYRING, 1);
    await pipeline.r2.put(r2Keys.block(0), other[0]?.bytes ?? "");
    const run = await restored();
    expect(run).toMatchObject({ state: "failed", next: 0 });
    expect(run.message).toContain("two chains");
    expect((await status(pipeline)).counts.blocks).toBe(0);
  });
});
