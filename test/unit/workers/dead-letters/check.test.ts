import { describe, expect, it } from "vitest";
import { getValue } from "../../../../workers/dead-letters/key-values.ts";
import { TestIndex } from "../../../support/chain/dead-letter-index.ts";
import { txId } from "../../../support/chain/chain-head.ts";

describe("a dead letter whose work was done by other means", () => {
  it("is resolved for pending-writer once the chain head has the transaction", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("pending-writer", { v: 1, txId: txId(1) });
    await index.run(60);
    expect(index.entry(id).state).toBe("open");
    index.head.admit(1);
    await index.run(120);
    expect(index.entry(id).state).toBe("resolved");
  });

  it("stays open for pending-writer while no block can take the transaction", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("pending-writer", { v: 1, txId: txId(1) });
    await index.setAside(1);
    await index.run(600);
    expect(index.entry(id).state).toBe("open");
  });

  it("is resolved for a block's stage once the block got there, and not before", async () => {
    const index = new TestIndex();
    index.head.admit(1);
    index.head.requestMining();
    const { blockNumber } = index.head.mine();
    const ids = {
      "tier-persister": await index.giveUp("tier-persister", { v: 1, blockNumber }),
      indexer: await index.giveUp("indexer", { v: 1, blockNumber, from: 0 }),
      "pending-cleaner": await index.giveUp("pending-cleaner", { v: 1, blockNumber }),
    };
    const states = () => Object.values(ids).map((id) => index.entry(id).state);
    await index.run(10);
    expect(states()).toEqual(["open", "open", "open"]);
    index.head.persisted(blockNumber);
    await index.run(20);
    expect(states()).toEqual(["resolved", "open", "open"]);
    index.head.indexed(blockNumber);
    await index.run(60);
    expect(states()).toEqual(["resolved", "resolved", "open"]);
    index.head.cleaned(blockNumber);
    await index.run(180);
    expect(states()).toEqual(["resolved", "resolved", "resolved"]);
  });

  it("is resolved for the storage verifier when the verifier says so, for the chain head can't tell", async () => {
    const index = new TestIndex();
    const one = await index.giveUp("storage-verifier", message(1), { reason: "unrepairable" });
    const other = await index.giveUp("storage-verifier", message(0), { reason: "unrepairable" });
    index.replay({ filter: { reason: "unrepairable" } });
    await index.run(20 * 3_600);
    expect(index.sent.map(({ to }) => to)).toEqual(["storage-verifier", "storage-verifier"]);
    expect(index.counts()).toMatchObject({ replaying: 2, resolved: 0 });
    index.resolved("storage-verifier", 1);
    index.resolved("indexer", 0);
    expect([one, other].map((id) => index.entry(id).state)).toEqual(["resolved", "replaying"]);
  });
});

describe("the chain head", () => {
  it("is asked less and less about what stays open, at last once a day", async () => {
    const index = new TestIndex();
    await index.giveUp("indexer", { v: 1, blockNumber: 70 });
    expect(await index.run(3_600)).toBeLessThan(20);
    expect(await index.run(10 * 86_400)).toBeLessThanOrEqual(16);
    expect(await index.run(10 * 86_400)).toBe(10);
  });

  it("is asked about many in few calls", async () => {
    const index = new TestIndex();
    for (let n = 0; n < 250; n++) await index.giveUp("indexer", { v: 1, blockNumber: 1 });
    for (let n = 0; n < 250; n++) await index.giveUp("indexer", { v: 1, blockNumber: 1, n });
    expect(await index.run(5)).toBeLessThanOrEqual(10);
    expect(index.counts()).toMatchObject({ open: {}, resolved: 251 });
  });

  it("is asked about no more than 100 at once, and not twice within two seconds, however many are due", async () => {
    const index = new TestIndex();
    for (let n = 0; n < 1_000; n++) await index.giveUp("pending-writer", { v: 1, txId: txId(5_000 + n) });
    index.askedAbout.length = 0;
    await index.run(10);
    expect(index.askedAbout.length).toBeLessThanOrEqual(6);
    expect(Math.max(...index.askedAbout)).toBeLessThanOrEqual(100);
  });

  it("may be down: it is asked again after a pause", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("indexer", { v: 1, blockNumber: 1 });
    index.failing = ["chain-head"];
    expect(await index.run(60)).toBeLessThanOrEqual(31);
    expect(index.entry(id).state).toBe("open");
    index.failing = [];
    await index.run(10);
    expect(index.entry(id).state).toBe("resolved");
  });
});

describe("an index that has lost its storage", () => {
  it("is made anew from R2, page by page, and finds out again what is done [T54]", async () => {
    const index = new TestIndex();
    const done = await index.giveUp("indexer", { v: 1, blockNumber: 1 });
    for (let n = 0; n < 130; n++) await index.giveUp("indexer", { v: 1, blockNumber: 100 + n });
    await index.run(10);
    const before = index.list();
    index.loseStorage();
    expect(index.list()).toEqual([]);
    await index.alarm();
    const [first] = before;
    await index.giveUp("indexer", { v: 1, blockNumber: first!.blockNumber }); // parked in between, with a new failure
    index.failing = ["r2"];
    await index.run(10);
    expect(index.list().length).toBeLessThan(131);
    index.failing = [];
    await index.run(60);
    expect(index.list().map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(index.entry(first!.id).failures).toHaveLength(2);
    expect(index.entry(done).state).toBe("resolved");
    expect(index.counts()).toMatchObject({ open: { indexer: 130 }, resolved: 1 });
  });
});

describe("an object in R2 that is no record of a dead letter", () => {
  it.for(["", "{}", "null", '{"id":1}', "not JSON"])(
    "does not keep the others out of the index: %s",
    async (text) => {
      const index = new TestIndex();
      const id = await index.giveUp("indexer", { v: 1, blockNumber: 70 });
      index.records.set("dead-letters/indexer/0.json", text);
      index.records.set("dead-letters/tier-persister/copy.bak", text);
      index.loseStorage();
      await index.run(10);
      expect(getValue(index.store.sql, "reindex")).toBeUndefined();
      expect(index.list().map((entry) => entry.id)).toEqual([id]);
    },
  );
});

function message(blockNumber: number): object {
  return { v: 1, kind: "block", blockNumber, repair: true };
}
