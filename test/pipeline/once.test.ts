import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Block } from "../../shared/chain/block.ts";
import { STAGES } from "../../shared/pipeline.ts";
import { asyncPaymentSucceeded } from "../../cli/local/stripe/synthetic.ts";
import { blockRow, everythingStored, logged } from "../support/chain/chain-state.ts";
import { checkChain, expectMined, pendingKeys } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import {
  deliver,
  mine,
  pay,
  purchase,
  status,
  untilIdle,
  untilWaiting,
} from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { deliverTo, type Delivery } from "../support/stack/queues.ts";
import { payloadOf, seal, submit } from "../support/payments/sealed-payments.ts";
import { startChain } from "../support/chain/started-chain.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startChain();
});
afterAll(() => pipeline.close());

/** Returns the number of times that the transaction is in the chain. */
function places(blocks: readonly Block[], txId: string): number {
  return blocks.flatMap(({ transactions }) => transactions).filter(({ id }) => id === txId).length;
}

/** Waits until pending-writer has accepted this many messages of one transaction. */
function untilTaken(txId: string, count: number): Promise<void> {
  return until(async () =>
    expect(logged(pipeline, "transaction.pending").filter((line) => line.txId === txId)).toHaveLength(count),
  );
}

describe("a Stripe event", () => {
  it("becomes one transaction when it is delivered 50 times at once [T2]", async () => {
    const event = purchase();
    const txIds = await Promise.all(Array.from({ length: 50 }, () => pay(pipeline, event)));
    const [txId = ""] = txIds;
    expect(new Set(txIds)).toEqual(new Set([txId]));
    await untilTaken(txId, 50);
    expect((await status(pipeline)).counts).toMatchObject({ pending: 1, waiting: 1 });

    expect(await mine(pipeline)).toMatchObject({ transactions: 1 });
    expect(places(await checkChain(pipeline), txId)).toBe(1);
    expect(await pendingKeys(pipeline)).toEqual([]);
  });

  it("changes nothing when it comes again after its block is complete [T2]", async () => {
    const event = purchase();
    const txId = await pay(pipeline, event);
    await untilWaiting(pipeline, 1);
    await mine(pipeline);
    const before = await everythingStored(pipeline);

    expect(await pay(pipeline, event)).toBe(txId);
    await untilTaken(txId, 2);
    await until(async () => expect(await pendingKeys(pipeline)).toEqual([]));
    expect(await everythingStored(pipeline)).toEqual(before);
    expect((await status(pipeline)).counts).toMatchObject({ pending: 0, waiting: 0 });
    expect(await mine(pipeline)).toMatchObject({ mined: false, reason: "nothing_pending" });
    expect(places(await checkChain(pipeline), txId)).toBe(1);
  });

  it("is mined only when the delayed payment arrives, and as the same purchase", async () => {
    const unpaid = purchase({ paymentStatus: "unpaid" });
    const answer = await deliver(pipeline, unpaid);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ received: true, ignored: expect.any(String) });
    expect((await status(pipeline)).counts).toMatchObject({ pending: 0, waiting: 0 });

    const succeeded = asyncPaymentSucceeded(unpaid);
    const txId = await pay(pipeline, succeeded);
    expect(await pay(pipeline, succeeded)).toBe(txId);
    expect((await deliver(pipeline, unpaid)).status).toBe(200);
    await untilTaken(txId, 2);
    expect(await mine(pipeline)).toMatchObject({ transactions: 1 });
    expect(places(await checkChain(pipeline), txId)).toBe(1);
  });
});

describe("mining", () => {
  it("makes one block when it is asked for several times at one moment", async () => {
    const txId = await submit(pipeline);
    const blocksBefore = (await status(pipeline)).counts.blocks;

    const answers = await Promise.all(Array.from({ length: 4 }, () => mine(pipeline)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await status(pipeline)).counts).toMatchObject({ blocks: blocksBefore + 1, pending: 0 });
    const blocks = await checkChain(pipeline);
    expect(places(blocks, txId)).toBe(1);
    expect(blocks.at(-1)?.hash).toBe(answers[0]?.hash);
  });

  it("makes one block when several messages ask for it at one moment", async () => {
    const txId = await submit(pipeline);
    const blocksBefore = (await status(pipeline)).counts.blocks;
    await pipeline.operate("/api/vdc/mine", { method: "POST" });
    const bodies = [{ v: 1 }, { v: 1, cause: "threshold" }, { v: 1, cause: "approved" }]; // earlier Workers send a cause
    const deliveries = bodies.map((body) => deliverTo(pipeline, "miner", [{ body }]));
    for (const settled of await Promise.all(deliveries)) expect(settled.retried).toEqual([]);
    await untilIdle(pipeline);
    await until(async () => expectMined((await checkChain(pipeline)).slice(blocksBefore), [txId]));
    expect((await status(pipeline)).counts.blocks).toBe(blocksBefore + 1);
  });
});

describe("a queue message", () => {
  it("changes nothing in any stage when it comes again, in any order, after its block is complete [T54 T64]", async () => {
    const payment = await seal(pipeline, payloadOf());
    await deliverTo(pipeline, "pending-writer", [{ body: payment }, { body: payment }]);
    await untilWaiting(pipeline, 1);
    const { blockNumber, hash } = await mine(pipeline);
    await until(async () => expect(await pendingKeys(pipeline)).toEqual([]));
    const before = await everythingStored(pipeline);

    const messages = {
      "pending-writer": payment,
      miner: { v: 1 },
      "tier-persister": { v: 1, blockNumber },
      indexer: { v: 1, blockNumber, from: 0 },
      "pending-cleaner": { v: 1, blockNumber },
      checkpointer: { v: 1, blockNumber },
      "storage-verifier": { v: 1, kind: "block", blockNumber, repair: true },
    };
    for (const stage of [...STAGES, ...STAGES.toReversed()]) {
      const twice: Delivery[] = ["first", "second"].map((id) => ({ id, body: messages[stage] }));
      expect(await deliverTo(pipeline, stage, twice), stage).toEqual({
        acked: ["first", "second"],
        retried: [],
      });
      expect(await everythingStored(pipeline), stage).toEqual(before);
    }
    await Promise.all(STAGES.map((stage) => deliverTo(pipeline, stage, [{ body: messages[stage] }])));
    expect(await everythingStored(pipeline)).toEqual(before);
    expect((await checkChain(pipeline))[blockNumber]?.hash).toBe(hash);
    expect((await status(pipeline)).counts).toMatchObject({ pending: 0, waiting: 0 });
  });

  it("waits when it comes before its turn, and the block takes no harm", async () => {
    const txId = await submit(pipeline);
    pipeline.pinning.setFault({ kind: "stall", on: "upload" });
    await pipeline.operate("/api/vdc/mine", { method: "POST" });
    await until(async () => expect(pipeline.pinning.stats().stalled).toBeGreaterThan(0));
    const blockNumber = (await status(pipeline)).counts.blocks - 1;
    const later = blockNumber + 5;

    const early = [{ body: { v: 1, blockNumber } }, { id: "later", body: { v: 1, blockNumber: later } }];
    const earlyIndex = early.map(({ body }) => ({ body: { ...body, from: 0 } }));
    expect((await deliverTo(pipeline, "pending-cleaner", early)).acked).toEqual([]);
    expect((await deliverTo(pipeline, "indexer", earlyIndex)).acked).toEqual([]);
    expect(
      (await deliverTo(pipeline, "tier-persister", [{ body: { v: 1, blockNumber: later } }])).acked,
    ).toEqual([]);
    expect(await pendingKeys(pipeline)).toEqual([`pending/${txId}.json`]);
    expect((await blockRow(pipeline, blockNumber))?.state).toBe("sealed");
    await checkChain(pipeline);

    pipeline.pinning.clearFaults();
    await untilIdle(pipeline);
    await until(async () => expect(places(await checkChain(pipeline), txId)).toBe(1));
    expect(await pendingKeys(pipeline)).toEqual([]);
  });
});
