import { describe, expect, it, vi } from "vitest";
import { KEY_WRITE_INTERVAL_MS } from "../../../../shared/storage/limits.ts";
import { logger } from "../../../../shared/runtime/log.ts";
import { kvKeys } from "../../../../shared/storage/layout.ts";
import { workOutbox } from "../../../../workers/chain-head/outbox/alarm.ts";
import { PENDING_COUNT_INTERVAL_MS } from "../../../../workers/chain-head/outbox/outbox.ts";
import { checkpointed } from "../../../../workers/chain-head/decisions/checkpointed.ts";
import type { Env } from "../../../../workers/chain-head/env.ts";
import { ipfsHashOf, TestHead, txId } from "../../../support/chain/chain-head.ts";

/** Records the chain head's calls to the outside, in order. A test can make them fail. */
class Outside {
  readonly did: { to: string; what: unknown; at: number }[] = [];
  readonly #head: TestHead;
  /** The targets that fail. */
  failing: readonly string[] = [];
  /** The targets that never answer. */
  hanging: readonly string[] = [];

  constructor(head: TestHead) {
    this.#head = head;
  }

  /** The batches that were sent to the dead letters. */
  readonly batches: (readonly { body: unknown }[])[] = [];

  readonly #act = async (to: string, what: unknown) => {
    if (this.hanging.includes(to)) await new Promise<never>(() => {});
    if (this.failing.includes(to)) throw new Error(`${to} is down`);
    this.did.push({ to, what, at: this.#head.now });
  };

  readonly env = {
    KV: { put: (key: string, value: string) => this.#act(key, JSON.parse(value)) },
    MINER_QUEUE: { send: (message: unknown) => this.#act("miner", message) },
    TIER_PERSISTER_QUEUE: { send: (message: unknown) => this.#act("tier-persister", message) },
    INDEXER_QUEUE: { send: (message: unknown) => this.#act("indexer", message) },
    PENDING_CLEANER_QUEUE: { send: (message: unknown) => this.#act("pending-cleaner", message) },
    // A checkpointer that covers every published block at once. Its own tests are in checkpointed.test.ts.
    CHECKPOINTER_QUEUE: {
      send: async ({ blockNumber }: { blockNumber: number }) =>
        checkpointed(this.#head.sql, blockNumber + 1, this.#head.now),
    },
    SET_ASIDE_QUEUE: {
      sendBatch: async (messages: readonly { body: unknown }[]) => {
        this.batches.push(messages);
        for (const { body } of messages) await this.#act("set-aside", body);
      },
    },
  } as unknown as Env;

  to(name: string): unknown[] {
    return this.did.filter(({ to }) => to === name).map(({ what }) => what);
  }

  /** Runs one alarm now. */
  alarm(): Promise<number | undefined> {
    const silent = logger("chain-head");
    silent.warn = () => {};
    return workOutbox(this.#head.sql, this.env, this.#head.rules, () => this.#head.now, silent);
  }

  /** Runs every alarm that is due within this time, as the platform does. */
  async run(seconds: number): Promise<void> {
    const end = this.#head.now + seconds * 1_000;
    for (let alarms = 0; alarms < 2_000; alarms++) {
      const next = await this.alarm();
      if (next === undefined || next > end) {
        this.#head.now = end;
        return;
      }
      this.#head.now = Math.max(next, this.#head.now);
    }
    throw new Error("the alarm rings without end");
  }
}

/** Makes a chain at rest: everything is published, and the outbox is empty. */
async function atRest(rules: ConstructorParameters<typeof TestHead>[0] = {}) {
  const head = new TestHead(rules).begun();
  const outside = new Outside(head);
  await outside.run(3_600);
  outside.did.length = 0;
  expect(head.outbox()).toEqual([]);
  return { head, outside };
}

/** Puts one more block, with this transaction, into every tier. */
function persistAnother(head: TestHead, n: number): void {
  head.admit(n);
  head.requestMining();
  head.persisted(head.mine().blockNumber);
}

describe("the hot keys of KV", () => {
  it.each(["hanging", "failing"] as const)(
    "are not moved on while an older write of vdc:latest that was %s may still land",
    async (trouble) => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const { head, outside } = await atRest();
      persistAnother(head, 1);
      outside[trouble] = [kvKeys.latest];
      const alarm = outside.alarm();
      await vi.runAllTimersAsync();
      await alarm;
      vi.useRealTimers();
      outside[trouble] = [];
      const begun = head.now;
      persistAnother(head, 2);
      await outside.run(600);
      const published = outside.did.filter(({ to }) => to === kvKeys.latest);
      expect(published.map(({ what }) => (what as { blockNumber: number }).blockNumber)).toEqual([3]);
      expect(published[0]?.at).toBe(begun + head.rules.writeLandsWithinSeconds * 1_000);
    },
  );

  it("are written again at once for the same block, and the doubt about the first write stays", async () => {
    const { head, outside } = await atRest();
    persistAnother(head, 1);
    outside.failing = [kvKeys.latest];
    await outside.alarm();
    outside.failing = [];
    const begun = head.now;
    await outside.run(10);
    expect(outside.to(kvKeys.latest)).toHaveLength(1);
    persistAnother(head, 2);
    await outside.run(600);
    const [, next] = outside.did.filter(({ to }) => to === kvKeys.latest);
    expect(next?.at).toBe(begun + head.rules.writeLandsWithinSeconds * 1_000);
  });

  it("are written with the value of the moment, and not again while it stays", async () => {
    const head = new TestHead().begun();
    const outside = new Outside(head);
    await outside.run(60);
    expect(outside.did.map(({ to }) => to).toSorted()).toEqual([kvKeys.latest, kvKeys.pendingCount]);
    expect(outside.to(kvKeys.latest)).toEqual([
      {
        blockNumber: 1,
        hash: head.block(1)?.hash,
        ipfsHash: ipfsHashOf(1),
        timestamp: head.block(1)?.timestamp,
      },
    ]);
    expect(outside.to(kvKeys.pendingCount)).toEqual([0]);
    expect(head.block(1)?.published).toBe(true);
  });

  it("are written at most once a second each, however fast they change, and end at the last value", async () => {
    const { head, outside } = await atRest({ blockMaxTransactions: 1, maxBlocksInFlight: 100 });
    for (let n = 1; n <= 40; n++) {
      head.admit(n);
      head.requestMining();
      const { blockNumber } = head.mine();
      head.persisted(blockNumber);
      await outside.alarm();
      head.pass(0.1);
    }
    await outside.run(10);
    const times = outside.did.filter(({ to }) => to === kvKeys.latest).map(({ at }) => at);
    expect(times.length).toBeGreaterThan(2);
    for (const [i, at] of times.entries())
      if (i > 0) expect(at - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(KEY_WRITE_INTERVAL_MS);
    expect(KEY_WRITE_INTERVAL_MS).toBeGreaterThan(1_000);
    const numbers = outside.to(kvKeys.latest).map((value) => (value as { blockNumber: number }).blockNumber);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(numbers.at(-1)).toBe(41);
    expect(outside.to(kvKeys.pendingCount).at(-1)).toBe(40);
  });

  it("count what is pending at most every ten seconds, and within a second when it reaches 0", async () => {
    const { head, outside } = await atRest();
    for (let n = 1; n <= 40; n++) {
      head.admit(n);
      await outside.run(1);
    }
    const written = outside.did.filter(({ to }) => to === kvKeys.pendingCount);
    expect(written.length).toBeGreaterThan(3);
    for (const [i, { at }] of written.entries())
      if (i > 0) expect(at - (written[i - 1]?.at ?? 0)).toBeGreaterThanOrEqual(PENDING_COUNT_INTERVAL_MS);
    head.mineAll();
    const done = head.now;
    await outside.run(5);
    const last = outside.did.filter(({ to }) => to === kvKeys.pendingCount).at(-1);
    expect(last).toMatchObject({ what: 0 });
    expect(last?.at).toBeLessThanOrEqual(done + KEY_WRITE_INTERVAL_MS);
  });

  it("count what is pending again when a write that was not answered has landed, or never will", async () => {
    const { head, outside } = await atRest();
    head.admit(1);
    outside.failing = [kvKeys.pendingCount];
    await outside.alarm();
    const inDoubtUntil = head.now + head.rules.writeLandsWithinSeconds * 1_000;
    outside.failing = [];
    head.requestMining();
    head.finish(head.mine().blockNumber);
    await outside.run(3_600);
    const counts = outside.did.filter(({ to }) => to === kvKeys.pendingCount);
    expect(counts).toMatchObject([{ what: 0, at: inDoubtUntil }]);
    expect(head.outbox()).toEqual([]);
  });

  it("are due at once when they were not written for ten seconds", async () => {
    const { head } = await atRest();
    head.admit(1);
    expect(head.outboxItem("publish_pending_count")?.due).toBeLessThanOrEqual(head.now);
  });

  it("name no block as the latest before it is in every tier", async () => {
    const { head, outside } = await atRest();
    head.admit(1);
    head.requestMining();
    head.mine();
    await outside.run(60);
    expect(outside.to(kvKeys.latest)).toEqual([]);
    expect(head.block(2)?.published).toBe(false);
    head.persisted(2);
    expect(head.block(2)?.published).toBe(false);
    await outside.run(2);
    expect(head.block(2)?.published).toBe(true);
    expect(outside.to(kvKeys.latest)).toMatchObject([{ blockNumber: 2 }]);
  });

  it("are written again until KV has taken them", async () => {
    const { head, outside } = await atRest();
    head.admit(1);
    outside.failing = [kvKeys.pendingCount];
    const next = await outside.alarm();
    expect(next).toBe(head.now + 2_000);
    expect(head.outboxItem("publish_pending_count")).toBeDefined();
    await outside.run(10);
    outside.failing = [];
    await outside.run(3);
    expect(outside.to(kvKeys.pendingCount)).toEqual([1]);
  });
});

describe("the watchdog", () => {
  it("gives a block that has not moved to its stage again, less and less often", async () => {
    const { head, outside } = await atRest();
    head.admit(1);
    head.requestMining();
    head.mine();
    await outside.alarm();
    const steps = [
      { stage: "tier-persister", message: { v: 1, blockNumber: 2 }, move: () => head.persisted(2) },
      { stage: "indexer", message: { v: 1, blockNumber: 2, from: 0 }, move: () => head.indexed(2) },
      { stage: "pending-cleaner", message: { v: 1, blockNumber: 2 }, move: () => head.cleaned(2) },
    ];
    for (const { stage, message, move } of steps) {
      outside.did.length = 0;
      const since = head.now;
      const owed = head.outbox().filter(({ item }) => item.kind === "requeue_stage");
      expect(owed, stage).toEqual([
        { due: since + 120_000, item: { kind: "requeue_stage", stage, blockNumber: 2 } },
      ]);
      await outside.run(120 + 240 + 480);
      const nudges = outside.did.filter(({ to }) => to === stage);
      expect(nudges.map(({ what }) => what)).toEqual([message, message, message]);
      expect(nudges.map(({ at }) => (at - since) / 1_000)).toEqual([120, 360, 840]);
      move();
    }
    outside.did.length = 0;
    await outside.run(86_400);
    expect(outside.did.map(({ to }) => to)).toEqual([kvKeys.pendingCount]);
  });

  it("asks for a block at least every 32 stall times in the longest outage, and does not give up [T64]", async () => {
    const { head, outside } = await atRest();
    head.admit(1);
    head.requestMining();
    head.mine();
    await outside.run(7 * 86_400);
    const times = outside.did.filter(({ to }) => to === "tier-persister").map(({ at }) => at);
    expect(times.length).toBeGreaterThan(100);
    for (const [i, at] of times.entries())
      if (i > 0) expect(at - (times[i - 1] ?? 0)).toBeLessThanOrEqual(32 * 120_000);
  });

  it("leaves a block alone that moves", async () => {
    const { head, outside } = await atRest();
    head.admit(1);
    head.requestMining();
    head.mine();
    await outside.run(119);
    head.persisted(2);
    await outside.run(119);
    head.indexed(2);
    await outside.run(119);
    head.cleaned(2);
    await outside.run(600);
    const stages = ["tier-persister", "indexer", "pending-cleaner"];
    expect(outside.did.filter(({ to }) => stages.includes(to))).toEqual([]);
  });

  it("enqueues the miner once for each request that an admission makes", async () => {
    const { head, outside } = await atRest({ mineAtCount: 2 });
    head.admit(1);
    await outside.run(1);
    expect(outside.to("miner")).toEqual([]);
    head.admit(2, 3);
    await outside.run(1);
    expect(outside.to("miner")).toEqual([{ v: 1 }]);
    head.admit(4, 5);
    await outside.run(1);
    expect(outside.to("miner").length).toBe(2);
  });

  it("tells the miner of a reservation that nobody seals, but not while the chain is halted", async () => {
    const { head, outside } = await atRest();
    head.admit(1);
    head.requestMining();
    await outside.alarm();
    head.reserve();
    outside.did.length = 0;
    await outside.run(125);
    expect(outside.to("miner")).toEqual([{ v: 1 }]);
    head.halt("a fork");
    await outside.run(600);
    expect(outside.to("miner").length).toBe(1);
    head.resume();
    await outside.alarm();
    expect(outside.to("miner").length).toBe(2);
  });

  it("begins anew with every step that a block takes", async () => {
    const { head, outside } = await atRest();
    head.admit(1);
    head.requestMining();
    await outside.alarm();
    const reservation = head.reserved();
    await outside.run(3_600);
    head.seal(reservation);
    expect(head.outboxItem("requeue_stage")?.due).toBe(head.now + 120_000);
  });

  it("asks for no new block while the chain is halted", async () => {
    const { head, outside } = await atRest();
    head.admit(1);
    head.requestMining();
    head.halt("a fork");
    await outside.run(3_600);
    expect(outside.to("miner")).toEqual([]);
    head.resume();
    await outside.run(1);
    expect(outside.to("miner")).toEqual([{ v: 1 }]);
  });

  it("tells the miner of approved work at once, then again while it waits, and never of other work", async () => {
    const { head, outside } = await atRest();
    head.admit(1);
    await outside.run(250);
    expect(outside.to("miner")).toEqual([]);
    head.requestMining();
    expect(head.outboxItem("requeue_miner")?.due).toBe(head.now);
    await outside.run(250);
    expect(outside.to("miner").length).toBe(3); // at 0, 120 and 240 seconds
    head.mine();
    head.finish(2);
    outside.did.length = 0;
    await outside.run(600);
    expect(outside.to("miner")).toEqual([]);
  });

  it("tells the miner at once when a finished block makes room for the next", async () => {
    const { head, outside } = await atRest({ blockMaxTransactions: 1, maxBlocksInFlight: 1 });
    head.admit(1, 2);
    head.requestMining();
    head.mine();
    await outside.alarm();
    head.pass(1);
    expect(head.outboxItem("requeue_miner")?.due).toBeGreaterThan(head.now);
    head.finish(2);
    expect(head.outboxItem("requeue_miner")?.due).toBe(head.now);
  });

  it("tells the miner of the rest as soon as a block is sealed, and of nothing when nothing is left", async () => {
    const { head, outside } = await atRest({ blockMaxTransactions: 1 });
    head.admit(1, 2);
    head.requestMining();
    await outside.alarm();
    outside.did.length = 0;
    head.mine();
    await outside.alarm();
    expect(outside.to("miner")).toEqual([{ v: 1 }]);
    outside.did.length = 0;
    head.mine();
    await outside.alarm();
    expect(outside.to("miner")).toEqual([]);
  });

  it("parks errors that are long in batches that the queue takes", async () => {
    const { head, outside } = await atRest({ blockMaxTransactions: 500 });
    const numbers = Array.from({ length: 60 }, (_, i) => i + 1);
    head.admit(...numbers, 61);
    head.requestMining();
    head.reserve();
    for (const n of numbers) {
      head.setAside(2, n);
      head.sql.exec("UPDATE tx SET error = ? WHERE id = ?", "\u20ac".repeat(50_000), txId(n));
    }
    await outside.run(30);
    expect(outside.to("set-aside")).toHaveLength(60);
    for (const batch of outside.batches)
      expect(Buffer.byteLength(JSON.stringify(batch))).toBeLessThan(256_000);
  });

  it("tells the miner once when several items of the outbox ask for it", async () => {
    const { head, outside } = await atRest({ blockMaxTransactions: 1 });
    head.admit(1, 2);
    head.requestMining();
    head.reserve();
    head.pass(600);
    expect(head.outbox().filter(({ item }) => item.kind === "requeue_miner").length).toBe(2);
    await outside.alarm();
    expect(outside.to("miner").length).toBe(1);
    expect(head.outbox().filter(({ due }) => due <= head.now)).toEqual([]);
  });
});

describe("transactions that are set aside", () => {
  it("are each parked once, as what they are", async () => {
    const { head, outside } = await atRest();
    head.admit(1, 2, 3);
    head.requestMining();
    head.reserve();
    head.setAside(2, 1, "undecryptable");
    head.pass(1);
    head.setAside(2, 2, "missing");
    expect(head.outboxItem("park")?.item).toMatchObject({
      transactions: [{ txId: txId(1) }, { txId: txId(2) }],
    });
    await outside.run(60);
    expect(outside.to("set-aside")).toEqual(
      [
        { n: 1, reason: "undecryptable", failedAt: head.now - 61_000 },
        { n: 2, reason: "missing", failedAt: head.now - 60_000 },
      ].map(({ n, reason, failedAt }) => ({
        v: 1,
        kind: "set_aside",
        txId: txId(n),
        blockNumber: 2,
        reason,
        error: `${reason} in a test`,
        failedAt,
      })),
    );
    expect(head.failures().map(({ parked }) => parked)).toEqual([true, true]);
  });

  it("are owed to the dead-letter queue until it has taken them, all of them", async () => {
    const { head, outside } = await atRest({ blockMaxTransactions: 500 });
    const numbers = Array.from({ length: 120 }, (_, i) => i + 1);
    head.admit(...numbers, 121);
    head.requestMining();
    head.reserve();
    for (const n of numbers) head.setAside(2, n);
    outside.failing = ["set-aside"];
    await outside.run(30);
    expect(head.failures(500).some(({ parked }) => parked)).toBe(false);
    outside.failing = [];
    outside.batches.length = 0;
    await outside.run(30);
    expect(outside.batches.map(({ length }) => length)).toEqual([50, 50, 20]);
    const parked = outside.to("set-aside").map((message) => (message as { txId: string }).txId);
    expect(parked.toSorted()).toEqual(numbers.map(txId));
  });
});

describe("payments that wait for long", () => {
  it("are mined without anybody's request, so long after the first came", async () => {
    const { head, outside } = await atRest({ mineAfterSeconds: 300 });
    head.admit(1);
    const since = head.now;
    head.pass(100);
    head.admit(2);
    expect(head.outboxItem("request_mining")?.due).toBe(since + 300_000);
    await outside.run(199);
    expect(outside.to("miner")).toEqual([]);
    await outside.run(2);
    expect(outside.to("miner")).toEqual([{ v: 1 }]);
    expect(head.mine().transactions).toEqual([1, 2].map(txId));
  });

  it("wait for the operator in approval mode, and for the end of a halt", async () => {
    const approval = await atRest({ miningMode: "approval" });
    approval.head.admit(1);
    await approval.outside.run(86_400);
    expect(approval.outside.to("miner")).toEqual([]);

    const { head, outside } = await atRest();
    head.halt("a fork");
    head.admit(1);
    await outside.run(86_400);
    expect(outside.to("miner")).toEqual([]);
    head.resume();
    await outside.run(1);
    expect(outside.to("miner")).toEqual([{ v: 1 }]);
  });
});

describe("the alarm", () => {
  it("does the other items when one fails, and marks only what was done", async () => {
    const { head, outside } = await atRest();
    head.admit(1, 2);
    head.requestMining();
    head.reserve();
    head.setAside(2, 1);
    outside.failing = ["miner", kvKeys.pendingCount];
    head.pass(600);
    const next = await outside.alarm();
    expect(outside.to("set-aside").length).toBe(1);
    expect(next).toBe(head.now + 2_000);
    const owed = new Set(
      head
        .outbox()
        .filter(({ due }) => due <= head.now + 2_000)
        .map(({ item }) => item.kind),
    );
    expect([...owed].toSorted()).toEqual(["publish_pending_count", "requeue_miner"]);
  });

  it("tries nothing again before the pause after a failure is over, however often the chain head is called", async () => {
    const { head, outside } = await atRest();
    outside.failing = [kvKeys.pendingCount];
    head.admit(1);
    head.pass(10);
    await outside.alarm();
    head.admit(2);
    expect(Math.min(...head.outbox().map(({ due }) => due))).toBe(head.now + 2_000);
  });

  it("is not needed when nothing is owed", async () => {
    const { outside } = await atRest();
    expect(await outside.alarm()).toBeUndefined();
    expect(outside.did).toEqual([]);
  });
});
