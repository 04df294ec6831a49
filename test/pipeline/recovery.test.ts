import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { r2Keys } from "../../shared/storage/layout.ts";
import { blockRow, evictChainHead, stagedKeys } from "../support/chain/chain-state.ts";
import { pendingKeys } from "../support/chain/check-chain.ts";
import {
  askForMining,
  expectFinished,
  nextBlockNumber,
  untilState,
} from "../support/chain/finished-block.ts";
import { until } from "../support/stack/patience.ts";
import { mine, status, untilWaiting } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { payloadOf, seal, submit, writeUnseen } from "../support/payments/sealed-payments.ts";
import { calmDown, startWatchedChain } from "../support/chain/started-chain.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startWatchedChain();
});
afterAll(() => pipeline.close());
beforeEach(() => calmDown(pipeline));

describe("the watchdog", () => {
  it("does not wait for a message that was put off for an hour", async () => {
    const blockNumber = await nextBlockNumber(pipeline);
    const txId = await submit(pipeline);
    pipeline.pinning.setFault({ kind: "rate_limit", retryAfterSeconds: 3_600, on: "upload", times: 1 });
    await askForMining(pipeline);
    await until(async () => expect(pipeline.pinning.stats().faults).toEqual([]));
    await expectFinished(pipeline, blockNumber, [txId]);
  });
});

describe("an attempt that did not win", () => {
  it("bytes that were staged and never sealed are nobody's block", async () => {
    const blockNumber = await nextBlockNumber(pipeline);
    const stray = r2Keys.sealed(blockNumber, "0".repeat(64));
    await pipeline.r2.put(stray, await (await pipeline.r2.get(r2Keys.block(blockNumber - 1)))!.arrayBuffer());
    const txId = await submit(pipeline);
    await askForMining(pipeline);
    await expectFinished(pipeline, blockNumber, [txId]);
    expect(await stagedKeys(pipeline, blockNumber)).toEqual([]);
  });
});

describe("pending objects that the chain head never heard of", () => {
  it("are mined after the miner's next cron [T61]", async () => {
    const blockNumber = await nextBlockNumber(pipeline);
    const messages = await Promise.all([1, 2, 3].map(() => seal(pipeline, payloadOf())));
    for (const message of messages) await writeUnseen(pipeline, message);
    expect((await status(pipeline)).counts.pending).toBe(0);
    await pipeline.fireCron("miner"); // MINE_AT_COUNT transactions are pending, so the cron also asks for mining
    await expectFinished(
      pipeline,
      blockNumber,
      messages.map(({ txId }) => txId),
    );
  });

  it("are admitted and cleared once, however often the cron comes", async () => {
    const blockNumber = await nextBlockNumber(pipeline);
    const message = await seal(pipeline, payloadOf());
    await writeUnseen(pipeline, message);
    await Promise.all([pipeline.fireCron("miner"), pipeline.fireCron("miner")]);
    await untilWaiting(pipeline, 1);
    await mine(pipeline);
    await expectFinished(pipeline, blockNumber, [message.txId]);

    await writeUnseen(pipeline, message); // a late duplicate, whose writer crashed before it called the chain head
    await pipeline.fireCron("miner");
    expect(await pendingKeys(pipeline)).toEqual([]);
    await expectFinished(pipeline, blockNumber, [message.txId]);
  });
});

describe("an evicted chain head", () => {
  it("goes on where it was, at every state of a block", async () => {
    const blockNumber = await nextBlockNumber(pipeline);
    const txId = await submit(pipeline);
    await evictChainHead(pipeline);
    expect((await status(pipeline)).counts.waiting).toBe(1);
    pipeline.pinning.setFault({ kind: "stall", on: "upload" });
    await askForMining(pipeline);
    await untilState(pipeline, blockNumber, "sealed");
    const sealed = await blockRow(pipeline, blockNumber);
    await evictChainHead(pipeline);
    expect(await blockRow(pipeline, blockNumber)).toEqual(sealed);
    pipeline.pinning.clearFaults();
    await until(async () => {
      await evictChainHead(pipeline);
      expect((await blockRow(pipeline, blockNumber))?.state).toBe("complete");
    });
    await expectFinished(pipeline, blockNumber, [txId]);
    expect((await blockRow(pipeline, blockNumber))?.hash).toBe(sealed?.hash);
    await evictChainHead(pipeline);
    expect(await mine(pipeline)).toMatchObject({ mined: false, reason: "nothing_pending" });
  });
});
