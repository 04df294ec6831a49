import { describe, expect, it } from "vitest";
import { countIgnored } from "../../../../workers/chain-head/decisions/ignored.ts";
import { migrate } from "../../../../workers/chain-head/storage/schema.ts";
import { QUEUE_MESSAGE_BYTES } from "../../../../shared/storage/limits.ts";
import { chainRules } from "../../../../workers/chain-head/env.ts";
import { CHAIN_ID, KEY, TestHead, txId } from "../../../support/chain/chain-head.ts";
import { memorySql } from "../../../support/stack/sqlite.ts";

describe("the chain head", () => {
  it("tells nothing of an empty chain, and gives no error", () => {
    const head = new TestHead();
    expect(head.head()).toEqual({
      chainId: CHAIN_ID,
      latest: null,
      halted: null,
      restoring: false,
      signingKeys: [],
      genesisHash: null,
      indexedThrough: null,
    });
    expect(head.status()).toEqual({
      counts: {
        pending: 0,
        waiting: 0,
        mined: 0,
        setAside: 0,
        refused: 0,
        blocks: 0,
        awaitingPayment: 0,
        paidUnreleased: 0,
      },
      ignored: {},
      oldestWaitingAt: null,
      miningOwedSince: null,
      releaseOwedSince: null,
      unfinished: [],
      halted: null,
      minerKeys: null,
    });
    expect(head.block(0)).toBeNull();
    expect(head.transaction(1)).toBeNull();
    expect(head.blockTransactions(0)).toEqual([]);
    expect(head.failures()).toEqual([]);
    expect(head.publishedBlocks(Number.MAX_SAFE_INTEGER, 100)).toEqual([]);
    expect(head.pendingPage(null, 100)).toEqual([]);
  });

  it("tells where a transaction is, at every moment of its life", () => {
    const head = new TestHead().begun();
    head.admit(1);
    expect(head.transaction(1)).toEqual({
      txId: txId(1),
      state: "pending",
      timestamp: 1,
      admittedAt: head.now,
      block: null,
      reason: null,
    });
    head.requestMining();
    const reservation = head.reserved();
    expect(head.transaction(1)).toMatchObject({
      state: "reserved",
      block: { blockNumber: 2, index: null, state: "reserved" },
    });
    head.seal(reservation);
    expect(head.transaction(1)).toMatchObject({
      state: "mined",
      block: { blockNumber: 2, index: 0, state: "sealed" },
    });
    head.persisted(2);
    expect(head.transaction(1)?.block?.state).toBe("persisted");
  });

  it("lists published blocks newest first, page by page, none above the latest", () => {
    const head = new TestHead({ blockMaxTransactions: 1, maxBlocksInFlight: 100 }).begun();
    head.admit(1, 2, 3, 4, 5, 6);
    head.requestMining();
    for (let i = 0; i < 6; i++) head.mine();
    for (const blockNumber of [2, 3, 4, 6]) head.persisted(blockNumber);
    const numbers = (before: number, limit: number) =>
      head.publishedBlocks(before, limit).map(({ blockNumber }) => blockNumber);
    expect(numbers(Number.MAX_SAFE_INTEGER, 3)).toEqual([4, 3, 2]);
    expect(numbers(2, 3)).toEqual([1, 0]);
    expect(numbers(0, 3)).toEqual([]);
    expect(numbers(Number.MAX_SAFE_INTEGER, 100)).toEqual([4, 3, 2, 1, 0]);
  });

  it("lists pending transactions page by page: first admitted, first mined", () => {
    const head = new TestHead().begun();
    head.admit(
      { n: 5, timestamp: 10 },
      { n: 4, timestamp: 10 },
      { n: 9, timestamp: 5 },
      { n: 1, timestamp: 20 },
    );
    const seen: string[] = [];
    let after: number | null = null;
    for (;;) {
      const [next] = head.pendingPage(after, 1);
      if (next === undefined) break;
      seen.push(next.txId);
      after = next.sequence;
    }
    expect(seen).toEqual([5, 4, 9, 1].map(txId));
    head.requestMining();
    expect(head.reserved().transactions.toSorted()).toEqual(seen.toSorted());
    expect(head.pendingPage(null, 10)).toEqual([]);
  });

  it("lists blocks in flight, each with the stage that it waits for", () => {
    const head = new TestHead({ blockMaxTransactions: 1, maxBlocksInFlight: 10 }).begun();
    head.admit(1, 2, 3, 4, 5);
    head.requestMining();
    for (let i = 0; i < 4; i++) head.mine();
    head.reserve();
    head.finish(2);
    head.persisted(3);
    head.indexed(3);
    head.persisted(4);
    expect(
      head.status().unfinished.map(({ blockNumber, state, stage }) => [blockNumber, state, stage]),
    ).toEqual([
      [3, "indexed", "pending-cleaner"],
      [4, "persisted", "indexer"],
      [5, "sealed", "tier-persister"],
      [6, "reserved", "miner"],
    ]);
  });

  it("tells since when the oldest transaction waits", () => {
    const head = new TestHead().begun();
    head.admit({ n: 2, timestamp: 2 });
    const first = head.now;
    head.pass(60);
    head.admit({ n: 1, timestamp: 1 });
    expect(head.status().oldestWaitingAt).toBe(first);
  });

  it("tells the first reason of a halt, until an operator resumes", () => {
    const head = new TestHead().begun();
    head.halt("a fork at 3");
    const at = head.now;
    head.pass(60);
    head.halt("another reason");
    expect(head.head().halted).toEqual({ reason: "a fork at 3", at, endsWith: "resume" });
    expect(head.status().halted).toEqual({ reason: "a fork at 3", at, endsWith: "resume" });
    head.resume();
    head.resume();
    expect(head.head().halted).toBeNull();
  });

  it("counts ignored events for each reason", () => {
    const head = new TestHead();
    for (const reason of ["other_type", "not_paid_yet", "other_type"] as const)
      countIgnored(head.sql, reason);
    expect(head.status().ignored).toEqual({ not_paid_yet: 1, other_type: 2 });
  });

  it("tells the signing keys: at first the one of genesis", () => {
    const { signingKeys, genesisHash } = new TestHead().begun().head();
    expect(signingKeys).toEqual([
      {
        keyId: KEY.keyId,
        publicKey: KEY.publicKey,
        announcedIn: 0,
        retiredIn: null,
        revocation: null,
        firstBlock: 0,
        lastBlock: 1,
      },
    ]);
    expect(genesisHash).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("the schema", () => {
  it("is made once: a restart changes nothing", () => {
    const head = new TestHead().begun();
    const before = head.status();
    migrate(head.sql);
    migrate(head.sql);
    expect(head.status()).toEqual(before);
  });

  it("is refused when newer code wrote it", () => {
    const sql = memorySql();
    migrate(sql);
    sql.exec("INSERT INTO schema_migration (version) VALUES (?)", 99);
    expect(() => migrate(sql)).toThrow("deploy the newer code");
  });
});

describe("the settings", () => {
  const settings = {
    MINING_MODE: "auto",
    MINE_AT_COUNT: "100",
    MINE_AFTER_SECONDS: "300",
    BLOCK_MAX_TRANSACTIONS: "500",
    BLOCK_MAX_BYTES: "262144",
    MAX_BLOCKS_IN_FLIGHT: "4",
    STALL_AFTER_SECONDS: "120",
    WRITE_LANDS_WITHIN_SECONDS: "90",
    INTENT_TTL_DAYS: "30",
  };
  const rulesOf = (changes: Record<string, string | undefined>) =>
    chainRules({ ...settings, ...changes } as unknown as Parameters<typeof chainRules>[0]);

  it("are read as numbers", () => {
    expect(rulesOf({})).toEqual({
      miningMode: "auto",
      mineAtCount: 100,
      mineAfterSeconds: 300,
      blockMaxTransactions: 500,
      blockMaxBytes: 262_144,
      maxBlocksInFlight: 4,
      stallAfterSeconds: 120,
      writeLandsWithinSeconds: 90,
      intentTtlSeconds: 30 * 86_400,
    });
    expect(rulesOf({ INTENT_TTL_DAYS: "0.5" }).intentTtlSeconds).toBe(43_200);
  });

  it.each(Object.keys(settings))("are refused by name when %s is missing or nonsense", (name) => {
    for (const value of [undefined, "", "0", "-1", "1e3", "many", " 5"])
      expect(() => rulesOf({ [name]: value }), String(value)).toThrow(name);
  });

  it("leave room in a block for the largest transaction that a queue carries", () => {
    expect(() => rulesOf({ BLOCK_MAX_BYTES: "139999" })).toThrow("BLOCK_MAX_BYTES");
  });

  it("leave room in an isolate for the private parts of a block, were each as large as a queue carries", () => {
    expect(() => rulesOf({ BLOCK_MAX_BYTES: "1000001" })).toThrow("BLOCK_MAX_BYTES");
    const { blockMaxBytes } = rulesOf({ BLOCK_MAX_BYTES: "1000000" });
    const signedBytes = 5_200; // the smallest signed transaction: its key and signature alone have 4,977 characters
    expect((blockMaxBytes / signedBytes) * QUEUE_MESSAGE_BYTES).toBeLessThan(128e6 / 5);
  });
});
