import { describe, expect, it } from "vitest";
import { TestIndex } from "../../../support/chain/dead-letter-index.ts";

const block = (blockNumber: number) => ({ v: 1, blockNumber });

/** The states of an entry before it fails again, with the way to each. */
const BEFORE: Record<string, (index: TestIndex, id: string) => unknown> = {
  open: () => {},
  resolved: (index) => index.resolved("indexer", 70),
  dismissed: (index, id) => index.dismiss(id),
  replaying: async (index, id) => {
    index.replay({ ids: [id] });
    await index.alarm();
  },
};

describe("a message that no stage could take", () => {
  it("is an open entry that says why, how often and since when", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("indexer", block(70));
    const failure = { at: index.now, reason: "unknown_key", error: "Error: no luck", attempts: 101 };
    const { at, ...facts } = failure;
    expect(index.list()).toEqual([
      {
        id,
        stage: "indexer",
        ...facts,
        firstSeen: at,
        lastSeen: at,
        txId: null,
        blockNumber: 70,
        state: "open",
        replaysItself: false,
        dismissed: null,
        failures: [failure],
      },
    ]);
  });

  it.for(Object.entries(BEFORE))(
    "is open again when it fails again after it was %s",
    async ([state, make]) => {
      const index = new TestIndex();
      const id = await index.giveUp("indexer", block(70));
      await make(index, id);
      expect(index.entry(id).state).toBe(state);
      index.pass(5);
      await index.giveUp("indexer", block(70), { reason: "missing", attempts: 1 });
      expect(index.entry(id)).toMatchObject({
        state: "open",
        dismissed: null,
        reason: "missing",
        attempts: 102,
        firstSeen: index.now - 5_000,
        lastSeen: index.now,
        failures: [{ reason: "missing" }, { reason: "unknown_key" }],
      });
      expect(index.list()).toHaveLength(1);
    },
  );

  it.for(Object.entries(BEFORE))(
    "stays %s when the same failure is delivered again",
    async ([state, make]) => {
      const index = new TestIndex();
      const failedAt = index.now;
      const id = await index.giveUp("indexer", block(70));
      await make(index, id);
      index.pass(5);
      await index.giveUp("indexer", block(70), { failedAt });
      expect(index.entry(id)).toMatchObject({ state, failures: [{}] });
    },
  );

  it("has its failures in their order, though they arrive in another", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("indexer", block(70), { failedAt: 3_000, reason: "missing" });
    await index.giveUp("indexer", block(70), { failedAt: 1_000, reason: "forked" });
    await index.giveUp("indexer", block(70), { failedAt: 2_000, reason: "forked" });
    expect(index.entry(id)).toMatchObject({ firstSeen: 1_000, lastSeen: 3_000, reason: "missing" });
    expect(index.entry(id).failures.map(({ at }) => at)).toEqual([3_000, 2_000, 1_000]);
  });
});

describe("a message that the platform moved here, which says nothing of itself", () => {
  it("is one failure, however often it is delivered", async () => {
    const index = new TestIndex();
    const id = await index.deliver("indexer", block(70));
    expect(index.entry(id)).toMatchObject({ reason: "retries_exhausted", attempts: 101 });
    index.dismiss(id);
    await index.deliver("indexer", block(70), 2);
    expect(index.entry(id)).toMatchObject({ state: "dismissed", attempts: 101, failures: [{}] });
  });
});

describe("what a stage of a newer version gave up", () => {
  it.for([{ reason: "a_new_reason" }, { stage: "a-new-stage" }, { v: 2, more: "facts" }])(
    "is the message, and not what is said of it: %j",
    async (newer) => {
      const index = new TestIndex();
      const id = await index.giveUp("indexer", block(70));
      index.pass(1);
      expect(await index.giveUp("indexer", block(70), newer)).toBe(id);
      expect(index.entry(id)).toMatchObject({ blockNumber: 70, failures: [newer.reason ? newer : {}, {}] });
    },
  );
});

describe("a message that fails for months", () => {
  const BYTES_OF_A_ROW = 2_000_000;
  const BYTES_OF_AN_ANSWER = 32 * 1024 * 1024;

  it("keeps its latest failures, when it began and how often it was tried", async () => {
    const index = new TestIndex();
    const began = index.now;
    const error = "x".repeat(100_000);
    const id = await index.giveUp("miner", { v: 1 }, { error });
    for (let n = 0; n < 200; n++) {
      index.pass(60);
      await index.giveUp("miner", { v: 1 }, { error });
    }
    const entry = index.entry(id);
    expect(entry).toMatchObject({ firstSeen: began, lastSeen: index.now, attempts: 201 * 101 });
    expect(entry.failures[0]?.at).toBe(index.now);
    expect(entry.failures.length).toBeGreaterThanOrEqual(10);
    for (const record of index.records.values()) expect(record.length).toBeLessThan(BYTES_OF_A_ROW);
    // A page of the list holds a thousand entries.
    expect(JSON.stringify(entry).length * 1_000).toBeLessThan(BYTES_OF_AN_ANSWER);
  });

  it("is not opened by a failure that is delivered again when it is kept no more", async () => {
    const index = new TestIndex();
    const began = index.now;
    const id = await index.giveUp("miner", { v: 1 });
    for (let n = 0; n < 50; n++) {
      index.pass(60);
      await index.giveUp("miner", { v: 1 });
    }
    index.dismiss(id);
    await index.giveUp("miner", { v: 1 }, { failedAt: began });
    expect(index.entry(id)).toMatchObject({ state: "dismissed", attempts: 51 * 101, firstSeen: began });
  });

  it("has the same history when the index is made anew", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("indexer", block(70));
    for (let n = 0; n < 50; n++) {
      index.pass(60);
      await index.giveUp("indexer", block(70));
    }
    const before = index.entry(id);
    index.loseStorage();
    await index.run(10);
    expect(index.entry(id)).toEqual(before);
  });
});

describe("a transaction that was set aside", () => {
  it("is one entry, however many blocks could not take it", async () => {
    const index = new TestIndex();
    const id = await index.setAside(1);
    index.replay({ ids: [id] });
    await index.alarm();
    index.head.admit(2);
    index.head.requestMining();
    index.head.setAside(index.head.reserved().blockNumber, 1);
    index.head.finish(index.head.mine().blockNumber); // block 2 took the other transaction
    index.head.park();
    index.head.readmit(1);
    index.pass(1);
    expect(await index.setAside(1, 3)).toBe(id);
    expect(index.list()).toMatchObject([{ id, state: "open", blockNumber: 3, failures: [{}, {}] }]);
  });
});

describe("a dismissal", () => {
  it("says who, why and when, and the first one stays", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("indexer", block(70));
    index.dismiss(id);
    const dismissed = { by: "ann", reason: "a test", at: index.now };
    index.pass(5);
    expect(index.dismiss(id)).toMatchObject({ state: "dismissed", dismissed });
    await index.run(86_400);
    expect(index.entry(id)).toMatchObject({ state: "dismissed", dismissed });
  });

  it("changes nothing of what is resolved", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("indexer", block(70));
    index.resolved("indexer", 70);
    expect(index.dismiss(id)).toMatchObject({ state: "resolved", dismissed: null });
  });
});

describe("the list", () => {
  it("shows each once, though some fail again while it is paged through", async () => {
    const index = new TestIndex();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      ids.push(await index.giveUp("indexer", block(70 + n)));
      if (n !== 2) index.pass(1); // two of them at the same moment
    }
    const seen: string[] = [];
    let page = index.list({}, null, 2);
    while (page.length > 0) {
      seen.push(...page.map(({ id }) => id));
      await index.giveUp("indexer", block(70)); // the oldest fails again
      index.pass(1);
      const { firstSeen, id } = page.at(-1)!;
      page = index.list({}, { firstSeen, id }, 2);
    }
    expect(seen.toSorted()).toEqual(ids.toSorted());
    expect([seen[0], seen[4]]).toEqual([ids[4], ids[0]]);
  });

  it("is counted by state, and the open ones by stage", async () => {
    const index = new TestIndex();
    expect(index.counts()).toEqual({
      open: {},
      replaying: 0,
      resolved: 0,
      dismissed: 0,
      oldestOpenAt: null,
      recovering: [],
    });
    const first = index.now;
    const dismissed = await index.giveUp("indexer", block(70));
    index.pass(1);
    const second = index.now;
    await index.giveUp("indexer", block(71));
    await index.giveUp("indexer", block(72));
    await index.giveUp("tier-persister", block(72));
    expect(index.counts()).toMatchObject({ open: { indexer: 3, "tier-persister": 1 }, oldestOpenAt: first });
    index.dismiss(dismissed);
    index.resolved("indexer", 72);
    expect(index.counts()).toEqual({
      open: { indexer: 1, "tier-persister": 1 },
      replaying: 0,
      resolved: 1,
      dismissed: 1,
      oldestOpenAt: second,
      recovering: [],
    });
  });
});
