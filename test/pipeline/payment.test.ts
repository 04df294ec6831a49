import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { checkChain, expectMined, pendingKeys } from "../support/chain/check-chain.ts";
import { mine, pay, purchase, status, untilWaiting } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";

describe("a payment", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
  });
  afterAll(() => pipeline.close());

  it("becomes a transaction of a block that is persisted, indexed and cleaned", async () => {
    const txId = await pay(pipeline, purchase({ assetId: "deed-1", userId: "user-1" }));
    await untilWaiting(pipeline, 1);
    expect(await pendingKeys(pipeline)).toEqual([r2Keys.pending(txId)]);

    const mined = await mine(pipeline);
    expect(mined).toMatchObject({ blockNumber: 1, r2Key: "blocks/1.json", transactions: 1 });

    const blocks = await checkChain(pipeline);
    expectMined(blocks, [txId]);
    expect(blocks[1]?.hash).toBe(mined.hash);
    expect(await pendingKeys(pipeline)).toEqual([]);
    expect((await pipeline.r2.list({ prefix: r2Keys.sealedPrefix(1) })).objects).toEqual([]);
    expect(await pipeline.r2.head(r2Keys.private(1))).not.toBeNull();
    expect(await pipeline.kv.get(kvKeys.transaction(txId), "json")).toMatchObject({
      blockNumber: 1,
      index: 0,
    });
    expect(await pipeline.kv.get(kvKeys.asset("deed-1"), "json")).toMatchObject({ vdcBlockNumber: 1, txId });
    expect((await status(pipeline)).counts).toEqual({
      pending: 0,
      waiting: 0,
      mined: 1,
      setAside: 0,
      blocks: 2,
      awaitingPayment: 0,
      paidUnreleased: 0,
      refused: 0,
    });

    const answer = await pipeline.fetch(`/api/vdc/transactions/${txId}`);
    expect(await answer.json()).toMatchObject({ txId, state: "mined", blockNumber: 1, index: 0 });
  });
});
