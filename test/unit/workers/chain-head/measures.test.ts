import { describe, expect, it } from "vitest";
import { emptyHistogram, type Histogram } from "../../../../shared/runtime/histogram.ts";
import { logger } from "../../../../shared/runtime/log.ts";
import { workOutbox } from "../../../../workers/chain-head/outbox/alarm.ts";
import type { Env } from "../../../../workers/chain-head/env.ts";
import { measures } from "../../../../workers/chain-head/reads/measures.ts";
import { MILESTONES } from "../../../../workers/chain-head/reads/latency.ts";
import { TestHead } from "../../../support/chain/chain-head.ts";

const countOf = ({ counts }: Histogram) => counts.reduce((sum, count) => sum + count, 0);

function measured(head: TestHead) {
  return measures(head.sql);
}

describe("the time from a payment", () => {
  it("is the clock's to each milestone, transaction by transaction", () => {
    const head = new TestHead().begun();
    const before = measured(head).latencies;
    const paidAt = head.now - 4_000;
    head.admit({ n: 1, timestamp: paidAt }, { n: 2, timestamp: paidAt - 1_000 });
    head.pass(10);
    head.requestMining();
    head.mine();
    head.pass(10);
    head.persisted(2);
    head.pass(10);
    head.indexed(2);
    head.pass(10);
    head.cleaned(2);
    const { latencies } = measured(head);
    const took = MILESTONES.map((milestone) => latencies[milestone].sum - before[milestone].sum);
    expect(took).toEqual([4 + 5, 14 + 15, 24 + 25, 34 + 35, 44 + 45]);
    for (const milestone of MILESTONES)
      expect(countOf(latencies[milestone]) - countOf(before[milestone]), milestone).toBe(2);
  });

  it("is counted once, however often anything is repeated", () => {
    const head = new TestHead().begun();
    head.admit(1, 2);
    head.requestMining();
    const reservation = head.mine();
    head.finish(2);
    const once = measured(head);
    head.admit(1, 2);
    head.seal(reservation);
    head.finish(2);
    expect(measured(head)).toEqual(once);
    expect(MILESTONES.map((milestone) => countOf(once.latencies[milestone]))).toEqual([3, 3, 3, 3, 3]);
  });

  it("ends at admission for a transaction that is set aside", () => {
    const head = new TestHead().begun();
    const before = measured(head).latencies;
    head.admit(1, 2);
    head.requestMining();
    head.reserved();
    head.setAside(2, 1);
    head.mine();
    const { latencies } = measured(head);
    expect(countOf(latencies.admitted) - countOf(before.admitted)).toBe(2);
    expect(countOf(latencies.sealed) - countOf(before.sealed)).toBe(1);
  });

  it("is not below zero when Stripe's clock is ahead of ours", () => {
    const head = new TestHead();
    head.admit({ n: 1, timestamp: head.now + 60_000 });
    expect(measured(head).latencies.admitted.sum).toBe(0);
    expect(measured(head).latencies.admitted.counts[0]).toBe(1);
  });

  it("is empty, with its buckets, before the first payment", () => {
    const { latencies, stalls, foreignCids } = measured(new TestHead());
    for (const milestone of MILESTONES)
      expect(latencies[milestone]).toEqual(emptyHistogram(latencies.admitted.bounds));
    expect({ stalls, foreignCids }).toEqual({ stalls: {}, foreignCids: 0 });
  });
});

/** Runs every alarm that is due within this time. Each call to the outside succeeds. */
async function run(head: TestHead, seconds: number): Promise<void> {
  const taken = { send: async () => {}, put: async () => {} };
  const env = new Proxy({}, { get: () => taken }) as Env;
  const end = head.now + seconds * 1_000;
  for (;;) {
    const next = await workOutbox(head.sql, env, head.rules, () => head.now, logger("test"));
    if (next === undefined || next > end) break;
    head.now = Math.max(next, head.now);
  }
  head.now = end;
}

describe("a stall", () => {
  it("is counted for the stage that was told again, each time", async () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    head.mine();
    await run(head, 119);
    expect(measured(head).stalls).toEqual({});
    await run(head, 2);
    expect(measured(head).stalls).toEqual({ "tier-persister": 1 });
    head.persisted(2);
    await run(head, 500); // after 120 and 360 seconds
    expect(measured(head).stalls).toEqual({ "tier-persister": 1, indexer: 2 });
  });

  it("is none when mining is asked for, and one when a reserved block does not move", async () => {
    const head = new TestHead({ blockMaxTransactions: 1 }).begun();
    head.admit(1, 2);
    head.requestMining();
    head.reserved(); // the miner is told of the other payment while this block is made
    await run(head, 60);
    expect(measured(head).stalls).toEqual({});
    await run(head, 61);
    expect(measured(head).stalls).toEqual({ miner: 1 });
  });

  it("is none when the stages are told on purpose, after a restart or a halt", async () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    head.mine();
    head.halt("a test");
    await run(head, 10_000);
    head.resume();
    await run(head, 1);
    expect(measured(head).stalls).toEqual({});
  });
});

describe("a CID that is none of ours", () => {
  it("is found by an index that holds nothing while all is well", () => {
    const head = new TestHead().begun();
    expect(measured(head).foreignCids).toBe(0);
    head.admit(1);
    head.requestMining();
    head.seal(head.reserved(), { cid: "mock-1" });
    head.persisted(2);
    expect(measured(head).foreignCids).toBe(1);
    const plan = head.sql
      .exec<{
        detail: string;
      }>("EXPLAIN QUERY PLAN SELECT count(*) AS count FROM block WHERE substr(ipfs_hash, 1, 2) <> 'Qm'")
      .toArray();
    expect(plan.map(({ detail }) => detail).join()).toContain("block_foreign_cid");
  });
});
