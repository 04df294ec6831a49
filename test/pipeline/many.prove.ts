import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Block } from "../../shared/chain/block.ts";
import type { PendingTransaction } from "../../shared/queue/messages.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { blockRow, keysOf, kvKeysOf, latest } from "../support/chain/chain-state.ts";
import { checkChain, pendingKeys } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import { mine, pay, purchase, status, untilIdle, untilWaiting } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { deliverTo, enqueue } from "../support/stack/queues.ts";
import { payloadOf, seal, submit } from "../support/payments/sealed-payments.ts";
import { startChain } from "../support/chain/started-chain.ts";

const LIMITS = { transactions: 500, bytes: 140_000 };
const BLOCK_OVERHEAD_BYTES = 8_192; // the part of the limit that shared/chain/rules.ts keeps for the block itself

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startChain({
    vars: {
      BLOCK_MAX_TRANSACTIONS: String(LIMITS.transactions),
      BLOCK_MAX_BYTES: String(LIMITS.bytes),
      STALL_AFTER_SECONDS: "3600", // a block that is held back stays so
      PIN_DEADLINE_SECONDS: "60", // a busy machine takes longer than usual to answer about 500 transactions
      WRITE_LANDS_WITHIN_SECONDS: "30", // the writes of 100 assets' records must fit into this time
    },
  });
});
afterAll(() => pipeline.close());

/** Makes distinct payments with only 400 different times, so that ties are frequent. About 900 of them are large. */
function manyPayments(count: number): Promise<PendingTransaction[]> {
  const start = Math.floor(Date.now() / 1_000) - 3_600;
  return Promise.all(
    Array.from({ length: count }, (_, i) => {
      const second = (i * 7_919) % 400;
      const large = second < 144 && { assetId: `deed-${i}-${"x".repeat(100)}` };
      return seal(pipeline, payloadOf(purchase({ created: start + second, ...large })));
    }),
  );
}

/** Computes independently how many of the payments each block takes. */
function expectedCounts(payments: readonly PendingTransaction[]): number[] {
  const counts: number[] = [];
  let [inBlock, bytes] = [0, 0];
  for (const { size } of payments) {
    if (inBlock === LIMITS.transactions || bytes + size + 1 > LIMITS.bytes - BLOCK_OVERHEAD_BYTES) {
      counts.push(inBlock);
      [inBlock, bytes] = [0, 0];
    }
    inBlock++;
    bytes += size + 1;
  }
  return [...counts, inBlock];
}

/** Returns the ids of the pending transactions, in the order of admission. */
async function waitingIds(): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor = ""; ;) {
    const response = await pipeline.operate(`/api/vdc/pending?limit=100${cursor && `&cursor=${cursor}`}`);
    const page: { transactions: { txId: string }[]; next: string | null } = await response.json();
    ids.push(...page.transactions.map(({ txId }) => txId));
    if (page.next === null) return ids;
    cursor = encodeURIComponent(page.next);
  }
}

const idsOf = ({ transactions }: Block) => transactions.map(({ id }) => id);

describe("2,500 pending transactions", () => {
  it("become as many blocks as the limits say, in the order of admission, none lost and none twice", async () => {
    const before = (await checkChain(pipeline)).length;
    const payments = await manyPayments(2_500);
    const isLarge = ({ size }: PendingTransaction) => size > LIMITS.bytes / LIMITS.transactions;
    // Enqueues the large payments first. Their blocks end at the limit of bytes, the other blocks at the limit of
    // transactions.
    const [large, small] = [payments.filter(isLarge), payments.filter((payment) => !isLarge(payment))];
    await enqueue(pipeline, "pending-writer", large);
    await untilWaiting(pipeline, large.length);
    await enqueue(pipeline, "pending-writer", small);
    await untilWaiting(pipeline, payments.length);
    expect((await keysOf(pipeline, r2Keys.pendingPrefix)).length).toBe(payments.length);

    const byId = new Map(payments.map((payment) => [payment.txId, payment]));
    const expected = (await waitingIds()).flatMap((txId) => byId.get(txId) ?? []);
    expect(expected).toHaveLength(payments.length);
    await mine(pipeline);
    await untilIdle(pipeline);
    const counts = expectedCounts(expected);
    expect(Math.max(...counts)).toBe(LIMITS.transactions); // both limits are reached
    expect(counts.slice(0, -1).some((count) => count < LIMITS.transactions)).toBe(true);

    await until(async () => expect((await latest(pipeline))?.blockNumber).toBe(before + counts.length - 1));
    const blocks = (await checkChain(pipeline)).slice(before);
    expect(blocks.flatMap(idsOf)).toEqual(expected.map(({ txId }) => txId));
    expect(blocks.map(({ transactionCount }) => transactionCount)).toEqual(counts);

    expect(await pendingKeys(pipeline)).toEqual([]);
    const indexed = await kvKeysOf(pipeline.kv, kvKeys.transaction(""));
    expect(indexed).toEqual(expect.arrayContaining(payments.map(({ txId }) => kvKeys.transaction(txId))));
    await until(async () => expect(await pipeline.kv.get(kvKeys.pendingCount)).toBe("0"));
  });
});

describe("payments that arrive while a block is made", () => {
  it("stay pending, and come in the next block", async () => {
    const early = await submit(pipeline);
    pipeline.pinning.setFault({ kind: "stall", on: "upload" });
    await pipeline.operate("/api/vdc/mine", { method: "POST" });
    await until(async () => expect(pipeline.pinning.stats().stalled).toBeGreaterThan(0));
    const blockNumber = (await status(pipeline)).counts.blocks - 1;
    expect((await blockRow(pipeline, blockNumber))?.state).toBe("sealed");

    // A payment is older than the block's transactions. The order is still the order of admission.
    const late = await Promise.all([pay(pipeline), pay(pipeline, purchase({ created: 1_700_000_000 }))]);
    await untilWaiting(pipeline, late.length);
    expect((await pendingKeys(pipeline)).toSorted()).toEqual([early, ...late].map(r2Keys.pending).toSorted());
    await checkChain(pipeline);

    pipeline.pinning.clearFaults();
    await until(async () => expect((await blockRow(pipeline, blockNumber))?.state).toBe("complete"));
    await until(async () => expect((await latest(pipeline))?.blockNumber).toBe(blockNumber));
    expect((await checkChain(pipeline)).slice(blockNumber).map(idsOf)).toEqual([[early]]);
    expect((await pendingKeys(pipeline)).toSorted()).toEqual(late.map(r2Keys.pending).toSorted());
    expect((await status(pipeline)).counts).toMatchObject({ pending: late.length, waiting: late.length });

    const inOrder = await waitingIds();
    expect(inOrder.toSorted()).toEqual(late.toSorted());
    expect(await mine(pipeline)).toMatchObject({ blockNumber: blockNumber + 1, transactions: 2 });
    expect((await checkChain(pipeline)).slice(blockNumber).map(idsOf)).toEqual([[early], inOrder]);
    expect(await pendingKeys(pipeline)).toEqual([]);
  });

  it("are never published before the block that came first", async () => {
    const first = await submit(pipeline);
    pipeline.pinning.setFault({ kind: "rate_limit", retryAfterSeconds: 3_600, on: "upload", times: 1 });
    await pipeline.operate("/api/vdc/mine", { method: "POST" });
    await until(async () => expect(pipeline.pinning.stats().faults).toEqual([]));
    const blockNumber = (await status(pipeline)).counts.blocks - 1;
    const published = await latest(pipeline);

    const second = await submit(pipeline);
    await pipeline.operate("/api/vdc/mine", { method: "POST" });
    await until(async () => expect((await blockRow(pipeline, blockNumber + 1))?.state).toBe("complete"));
    expect((await blockRow(pipeline, blockNumber))?.state).toBe("sealed");
    expect(await latest(pipeline)).toEqual(published);
    expect((await status(pipeline)).latest).toBe(blockNumber - 1);
    expect(await pendingKeys(pipeline)).toEqual([r2Keys.pending(first)]);
    await checkChain(pipeline);

    await deliverTo(pipeline, "tier-persister", [{ body: { v: 1, blockNumber } }]);
    await untilIdle(pipeline);
    await until(async () => expect((await latest(pipeline))?.blockNumber).toBe(blockNumber + 1));
    expect((await checkChain(pipeline)).slice(blockNumber).map(idsOf)).toEqual([[first], [second]]);
  });
});
