import { beforeEach, describe, expect, it } from "vitest";
import { logger } from "../../../../shared/runtime/log.ts";
import { kvKeys } from "../../../../shared/storage/layout.ts";
import type { Env } from "../../../../workers/chain-head/env.ts";
import { workOutbox } from "../../../../workers/chain-head/outbox/alarm.ts";
import { publishAgain } from "../../../../workers/chain-head/outbox/requeue.ts";
import { RULES, TestHead } from "../../../support/chain/chain-head.ts";
import { lostChain, TRACES } from "../../../support/chain/lost-chain.ts";

const VISIBLE = RULES.writeLandsWithinSeconds; // seconds after which every reader of KV sees a write

let head: TestHead;
let claims: { blockNumber: number; at: number }[];
let isDown: boolean;
const sent = { send: async () => {} };
const env = {
  KV: {
    put: async (key: string, value: string) => {
      if (isDown) throw new Error("KV is down");
      if (key === kvKeys.indexed) claims.push(JSON.parse(value));
    },
  },
  MINER_QUEUE: sent,
  TIER_PERSISTER_QUEUE: sent,
  INDEXER_QUEUE: sent,
  PENDING_CLEANER_QUEUE: sent,
} as unknown as Env;

const silent = logger("chain-head");
silent.warn = () => {};
const alarm = () => workOutbox(head.sql, env, head.rules, () => head.now, silent);
const claimed = () => head.head().indexedThrough?.blockNumber ?? null;

async function pass(seconds: number): Promise<void> {
  head.pass(seconds);
  await alarm();
}

/** Seals and persists a block, which is not indexed yet. @returns its number */
function persisted(n: number): number {
  head.admit(n);
  head.requestMining();
  const { blockNumber } = head.mine();
  head.persisted(blockNumber);
  return blockNumber;
}

beforeEach(() => {
  head = new TestHead().begun();
  claims = [];
  isDown = false;
});

describe("the claim of how far the index is complete", () => {
  it("is not made before every reader of KV sees the entries", async () => {
    const indexedAt = head.now;
    await pass(VISIBLE - 1);
    expect([claims, claimed()]).toEqual([[], null]);
    await pass(1);
    expect(claims).toEqual([{ blockNumber: 0, at: indexedAt }]);
    expect(head.head().indexedThrough).toEqual(claims[0]);
    await pass(VISIBLE);
    expect(claims.at(-1)?.blockNumber).toBe(1);
  });

  it("covers no block that is not indexed, nor a later one that is", async () => {
    await pass(2 * VISIBLE);
    await pass(2 * VISIBLE);
    const [second, third] = [persisted(2), persisted(3)];
    head.indexed(third);
    await pass(2 * VISIBLE);
    expect(claimed()).toBe(second - 1);
    head.indexed(second);
    await pass(VISIBLE);
    expect(claimed()).toBe(third);
  });

  it("is written once in a while, however many blocks are indexed meanwhile", async () => {
    for (let n = 2; n < 40; n++) {
      head.finish(persisted(n));
      await pass(VISIBLE / 10);
    }
    expect(claims.length).toBeLessThanOrEqual(5);
    await pass(VISIBLE);
    await pass(VISIBLE);
    expect(claimed()).toBe(39);
  });

  it("is repeated unchanged until KV answers, and never told before", async () => {
    const indexedAt = head.now;
    isDown = true;
    await pass(VISIBLE);
    head.finish(persisted(2));
    await pass(VISIBLE);
    expect(claimed()).toBeNull();
    isDown = false;
    await pass(VISIBLE);
    expect(claims).toEqual([{ blockNumber: 0, at: indexedAt }]);
  });

  it("is made anew after a verification, because KV may have lost it", async () => {
    await pass(VISIBLE);
    await pass(VISIBLE);
    const verifiedAt = head.now;
    publishAgain(head.sql, { from: 0, through: 1 }, verifiedAt);
    await pass(VISIBLE);
    expect(claims.at(-1)).toEqual({ blockNumber: 1, at: verifiedAt });
    publishAgain(head.sql, null, head.now); // the verification found the index incomplete
    await pass(VISIBLE);
    expect(claims).toHaveLength(3);
  });

  it("is withdrawn by a restore, until a verification has seen the index of every restored block", async () => {
    const { blocks } = lostChain(6);
    head = new TestHead({}, TRACES);
    head.beginRestore();
    for (const block of blocks) head.restoreBlock(block);
    head.endRestore({ publishedThrough: 5, staged: [] });
    await pass(10 * VISIBLE);
    publishAgain(head.sql, { from: 1, through: 5 }, head.now);
    publishAgain(head.sql, { from: 0, through: 4 }, head.now);
    publishAgain(head.sql, null, head.now);
    await pass(10 * VISIBLE);
    expect([claims, claimed()]).toEqual([[], null]);
    publishAgain(head.sql, { from: 0, through: 5 }, head.now);
    await pass(VISIBLE);
    expect(claimed()).toBe(5);
  });
});
