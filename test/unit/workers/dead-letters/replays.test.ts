import { describe, expect, it } from "vitest";
import { txId } from "../../../support/chain/chain-head.ts";
import { TestIndex } from "../../../support/chain/dead-letter-index.ts";

const block = (blockNumber: number) => ({ v: 1, blockNumber });
const ALL = { all: true } as const;

/** Makes an index with this many open letters of the indexer. */
async function indexOf(count: number): Promise<{ index: TestIndex; ids: string[] }> {
  const index = new TestIndex();
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push(await index.giveUp("indexer", block(100 + n)));
  return { index, ids };
}

describe("a replay", () => {
  it("sends each message to its own stage as it was parked, whatever its shape [T54]", async () => {
    const index = new TestIndex();
    const parked = [
      ["pending-writer", { v: 1, txId: txId(7), envelope: { ct: "abc" } }],
      ["miner", { v: 1 }],
      ["tier-persister", block(70)],
      ["indexer", { v: 9, blockNumber: 70, from: "a newer version" }],
      ["pending-cleaner", ["no", { message: null }, 1.5]],
    ] as const;
    for (const [stage, message] of parked) await index.giveUp(stage, message);
    index.replay(ALL);
    await index.alarm();
    expect(index.sent.map(({ to, message }) => [to, message])).toEqual(expect.arrayContaining([...parked]));
    expect(index.sent).toHaveLength(parked.length);
  });

  it("is of what was selected when it was made: what fails later is not in it", async () => {
    const { index, ids } = await indexOf(2);
    const { id, total } = index.replay(ALL, { ratePerSecond: 1 });
    await index.giveUp("indexer", block(200));
    await index.run(10);
    expect(total).toBe(2);
    expect(
      index
        .found(id)
        .items?.map((item) => item.id)
        .toSorted(),
    ).toEqual(ids.toSorted());
    expect(index.sent).toHaveLength(2);
  });

  it("takes what is selected portion by portion, and not what failed meanwhile", async () => {
    const { index, ids } = await indexOf(1_100);
    const { id, total } = index.replay(ALL, { ratePerSecond: 1 });
    expect({ total, selecting: index.found(id).selecting }).toEqual({ total: 500, selecting: true });
    index.now += 1_000;
    const later = await index.giveUp("indexer", block(9_000));
    await index.run(5);
    expect(index.found(id)).toMatchObject({ state: "running", selecting: false, total: 1_100 });
    const taken = index.store.sql
      .exec<{ entry_id: string }>("SELECT entry_id FROM replay_item WHERE replay_id = ? LIMIT 2000", id)
      .toArray()
      .map(({ entry_id }) => entry_id);
    expect(taken.toSorted()).toEqual(ids.toSorted());
    expect(taken).not.toContain(later);
  });

  it("is not done while it still takes entries, and takes none once it is aborted", async () => {
    const { index } = await indexOf(600);
    const { id } = index.replay(ALL, { ratePerSecond: 1_000 });
    expect(index.abort(id)).toMatchObject({ state: "aborted", selecting: false, total: 500 });
    await index.run(3);
    expect(index.found(id)).toMatchObject({ state: "aborted", total: 500 });
    const again = index.replay(ALL, { ratePerSecond: 1_000 });
    await index.run(60);
    expect(index.found(again.id)).toMatchObject({ total: 600, replayed: 600 });
  });

  it("leaves out what is dismissed or resolved, unless it or its state is named", async () => {
    const { index, ids } = await indexOf(3);
    index.dismiss(ids[0]!);
    index.resolved("indexer", 101);
    expect(index.abort(index.replay(ALL).id)).toMatchObject({ total: 1 });
    expect(index.abort(index.replay({ filter: { stage: "indexer" } }).id)).toMatchObject({ total: 1 });
    const dismissed = index.replay({ filter: { state: "dismissed" } });
    await index.alarm();
    expect(index.found(dismissed.id)).toMatchObject({ total: 1, replayed: 1 });
    expect(index.entry(ids[0]!)).toMatchObject({ state: "replaying", dismissed: null });
    const named = index.replay({ ids: [ids[1]!, ids[1]!] });
    await index.alarm();
    expect(index.found(named.id)).toMatchObject({
      total: 1,
      skipped: 1,
      items: [{ outcome: "skipped", detail: "was resolved before" }],
    });
  });

  it("ends at once when nothing is selected", () => {
    const index = new TestIndex();
    expect(index.replay(ALL)).toMatchObject({ state: "done", total: 0, endedAt: index.now });
  });

  it.for([1, 10, 150, 500])("sends no more than %d in a second, and hardly less", async (ratePerSecond) => {
    const count = Math.min(600, ratePerSecond * 3);
    const { index } = await indexOf(count);
    const { id } = index.replay(ALL, { ratePerSecond });
    const start = index.now;
    await index.run(20);
    expect(index.found(id)).toMatchObject({ state: "done", replayed: count });
    for (const { at } of index.sent) {
      const inSecond = index.sent.filter((other) => other.at >= at && other.at < at + 1_000).length;
      expect(inSecond).toBeLessThanOrEqual(ratePerSecond);
      // Each letter costs a read of R2 and a send, and a call of the object may make a limited number of them.
      expect(index.sent.filter((other) => other.at === at).length).toBeLessThanOrEqual(100);
    }
    expect(Math.max(...index.sent.map(({ at }) => at)) - start).toBeLessThanOrEqual(
      Math.ceil(count / ratePerSecond) * 1_000,
    );
  });

  it("sends nothing when it is aborted while it asks what is done already", async () => {
    const { index } = await indexOf(3);
    const { id } = index.replay(ALL);
    index.whileAsking = () => void index.abort(id);
    await index.run(60);
    expect(index.sent).toEqual([]);
    expect(index.counts()).toMatchObject({ open: { indexer: 3 }, replaying: 0 });
  });

  it("sends nothing more once it was aborted, also while it is sending", async () => {
    const { index } = await indexOf(30);
    const { id } = index.replay(ALL, { ratePerSecond: 10 });
    await index.alarm();
    index.whileSending = () => void index.abort(id);
    await index.run(60);
    expect(index.sent).toHaveLength(20);
    expect(index.found(id)).toMatchObject({
      state: "aborted",
      total: 30,
      replayed: 20,
      endedAt: expect.any(Number),
    });
    expect(index.counts()).toMatchObject({ open: { indexer: 10 }, replaying: 20 });
    expect(index.abort(id)).toMatchObject({ state: "aborted" });
  });

  it("leaves what it had not sent open when it is aborted after a crash, not replaying for ever", async () => {
    const { index, ids } = await indexOf(1);
    await index.alarm();
    const { id } = index.replay(ALL);
    index.crashAfterDecisions = 1; // the decision that marks the letter as being replayed
    await expect(index.alarm()).rejects.toThrow("crashed");
    index.crashAfterDecisions = Infinity;
    expect(index.entry(ids[0]!).state).toBe("replaying");
    index.abort(id);
    await index.run(60);
    expect(index.entry(ids[0]!)).toMatchObject({ state: "open", failures: [{}] });
  });

  it("is one at a time", async () => {
    const { index } = await indexOf(2);
    const { id } = index.replay(ALL, { ratePerSecond: 1 });
    expect(index.ask(ALL)).toEqual({ refused: "active", id });
    await index.run(5);
    expect(index.ask(ALL)).toMatchObject({ state: "done", total: 0 });
  });

  it("refuses ids that it does not know, and is not made", async () => {
    const { index, ids } = await indexOf(1);
    const unknown = "0".repeat(32);
    expect(index.ask({ ids: [ids[0]!, unknown] })).toEqual({ refused: "unknown_entries", ids: [unknown] });
    expect(index.ask(ALL)).toMatchObject({ state: "running" });
  });
});

describe("an Idempotency-Key", () => {
  it("gets the same answer for a week, and then it is a new one", async () => {
    const { index } = await indexOf(1);
    const made = index.replay(ALL, { key: "k" });
    await index.run(6 * 86_400);
    expect(index.replay(ALL, { key: "k" })).toEqual(made);
    expect(index.ask(ALL, { key: "k", ratePerSecond: 1 })).toEqual({ refused: "another_request" });
    await index.run(2 * 86_400);
    expect(index.replay(ALL, { key: "k" }).id).not.toBe(made.id);
  });

  it("is not used up by a creation that was refused", async () => {
    const { index } = await indexOf(1);
    expect(index.ask({ ids: ["0".repeat(32)] }, { key: "k" })).toMatchObject({ refused: "unknown_entries" });
    expect(index.replay(ALL, { key: "k" })).toMatchObject({ total: 1 });
  });
});

describe("what is done already", () => {
  it("is skipped and resolved, and nothing is sent", async () => {
    const index = new TestIndex();
    const mined = await index.giveUp("pending-writer", { v: 1, txId: txId(0) });
    const indexed = await index.giveUp("indexer", block(1));
    const laterOn = await index.giveUp("indexer", block(2));
    const { id } = index.replay({ ids: [mined, indexed] });
    await index.alarm();
    expect(index.sent).toEqual([]);
    expect(index.found(id)).toMatchObject({ state: "done", skipped: 2, replayed: 0 });
    expect(index.found(id).items).toEqual(
      expect.arrayContaining([
        { id: mined, outcome: "skipped", detail: "already mined in block 1" },
        { id: indexed, outcome: "skipped", detail: "block 1 is already complete" },
      ]),
    );
    expect(index.counts()).toMatchObject({ open: { indexer: 1 }, resolved: 2 });

    await index.run(86_400); // by now the chain head is asked about it once an hour
    index.head.admit(2);
    index.head.mineAll();
    index.replay({ ids: [laterOn] });
    await index.alarm();
    expect(index.sent).toEqual([]);
    expect(index.entry(laterOn).state).toBe("resolved");
  });

  it("was dismissed after the replay was made: it is left alone", async () => {
    const { index, ids } = await indexOf(2);
    const { id } = index.replay(ALL, { ratePerSecond: 1 });
    await index.alarm();
    index.pass(0.5);
    for (const one of ids) index.dismiss(one);
    await index.run(5);
    expect(index.found(id)).toMatchObject({ replayed: 1, skipped: 1 });
    expect(index.found(id).items?.at(-1)?.detail).toBe("dismissed meanwhile by ann");
    expect(index.sent).toHaveLength(1);
  });
});

describe("a transaction that was set aside", () => {
  it("is readmitted by the chain head, and resolved once it is mined", async () => {
    const index = new TestIndex();
    const id = await index.setAside(1);
    const { id: replayId } = index.replay({ ids: [id] });
    await index.alarm();
    expect(index.sent).toEqual([]);
    expect(index.head.transaction(1)?.state).toBe("pending");
    await index.run(60);
    expect(index.entry(id).state).toBe("replaying");
    index.head.mineAll();
    await index.run(120);
    expect(index.entry(id).state).toBe("resolved");
    expect(index.found(replayId)).toMatchObject({ state: "done", replayed: 1, skipped: 0 });
  });

  it("is skipped when it waits for a block already", async () => {
    const index = new TestIndex();
    const id = await index.setAside(1);
    index.head.readmit(1);
    const { id: replayId } = index.replay({ ids: [id] });
    await index.alarm();
    expect(index.found(replayId).items).toEqual([
      { id, outcome: "skipped", detail: "already waits for a block" },
    ]);
  });

  it("is replayed, and not skipped, when the object crashed after the chain head took it", async () => {
    const index = new TestIndex();
    const id = await index.setAside(1);
    await index.alarm();
    const { id: replayId } = index.replay({ ids: [id] });
    index.crashAfterDecisions = 1; // the decision that marks the letter as being replayed
    await expect(index.alarm()).rejects.toThrow("crashed");
    expect(index.head.transaction(1)?.state).toBe("pending");
    expect(index.found(replayId)).toMatchObject({ state: "running", replayed: 0 });
    index.crashAfterDecisions = Infinity;
    await index.run(10);
    expect(index.found(replayId)).toMatchObject({ state: "done", replayed: 1, skipped: 0 });
  });

  it("is tried again, not given up, while its failure is still being put on record", async () => {
    const index = new TestIndex();
    const id = await index.setAside(1);
    index.head.sql.exec("UPDATE tx SET parked = 0 WHERE id = ?", txId(1));
    const { id: replayId } = index.replay({ ids: [id] });
    await index.alarm();
    expect(index.found(replayId)).toMatchObject({ state: "running", failed: 0 });
    index.head.park();
    await index.run(10);
    expect(index.found(replayId)).toMatchObject({ state: "done", replayed: 1 });
  });
});

describe("a message that fails again", () => {
  it("is open and counts as failed when it fails before the replay has written down that it was sent", async () => {
    const { index, ids } = await indexOf(1);
    const { id } = index.replay(ALL);
    index.whileSending = async () => {
      index.pass(0.1);
      await index.giveUp("indexer", block(100), { reason: "missing" });
    };
    await index.alarm();
    expect(index.entry(ids[0]!).state).toBe("open");
    expect(index.found(id)).toMatchObject({
      state: "done",
      replayed: 0,
      failed: 1,
      items: [{ outcome: "failed", detail: "sent, and failed again: missing" }],
    });
  });

  it("counts as failed in its replay when it fails after the replay was done", async () => {
    const { index, ids } = await indexOf(2);
    const { id } = index.replay(ALL);
    await index.alarm();
    expect(index.found(id)).toMatchObject({ state: "done", replayed: 2 });
    index.pass(600);
    await index.giveUp("indexer", block(100));
    expect(index.found(id)).toMatchObject({ state: "done", replayed: 1, failed: 1 });
    expect(index.entry(ids[0]!).state).toBe("open");
  });

  it("is resolved until then when it is about nothing that the chain head knows", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("miner", { v: 1 });
    index.replay(ALL);
    await index.alarm();
    expect(index.entry(id).state).toBe("resolved");
    index.pass(60);
    await index.giveUp("miner", { v: 1 });
    expect(index.entry(id)).toMatchObject({ state: "open", failures: [{}, {}] });
  });
});

describe("a message that was replayed and never heard of again", () => {
  it("is open again after five days: what a queue has lost must not wait unseen", async () => {
    const { index, ids } = await indexOf(1);
    index.replay(ALL);
    await index.run(4.9 * 86_400);
    expect(index.entry(ids[0]!).state).toBe("replaying");
    await index.run(6 * 3_600);
    expect(index.entry(ids[0]!)).toMatchObject({ state: "open", failures: [{}] });
    expect(index.replay(ALL).total).toBe(1);
  });

  it("is not taken for lost while its transaction waits for an operator's approval", async () => {
    const index = new TestIndex();
    const id = await index.setAside(1);
    index.replay({ ids: [id] });
    await index.run(7 * 86_400);
    expect(index.entry(id).state).toBe("replaying");
  });
});

describe("when something outside is down", () => {
  it.for(["indexer", "r2"])("goes on with the others, and with the rest once %s is back", async (what) => {
    const { index } = await indexOf(3);
    const other = await index.setAside(1);
    const { id } = index.replay(ALL);
    index.failing = [what];
    await index.alarm();
    expect(index.found(id)).toMatchObject({ state: "running", replayed: 1, failed: 0 });
    expect(index.entry(other).state).toBe("replaying");
    index.failing = [];
    await index.run(10);
    expect(index.found(id)).toMatchObject({ state: "done", replayed: 4, failed: 0 });
    expect(index.sent).toHaveLength(3);
  });

  it("waits for the chain head before anything is sent", async () => {
    const { index } = await indexOf(1);
    const { id } = index.replay(ALL);
    index.failing = ["chain-head"];
    expect(await index.run(60)).toBeLessThan(60);
    expect(index.found(id)).toMatchObject({ state: "running", replayed: 0, failed: 0 });
    index.failing = [];
    await index.run(10);
    expect(index.found(id)).toMatchObject({ state: "done", replayed: 1 });
  });

  it("gives a message up after some tries, says why, and leaves it open", async () => {
    const { index, ids } = await indexOf(1);
    const { id } = index.replay(ALL);
    index.failing = ["indexer"];
    await index.run(60);
    expect(index.found(id)).toMatchObject({ state: "done", failed: 1, replayed: 0 });
    expect(index.found(id).items?.[0]?.detail).toBe("could not be sent: indexer is down");
    expect(index.entry(ids[0]!)).toMatchObject({ state: "open", failures: [{}] });
  });

  it("leaves a message open that it could not send before it was aborted", async () => {
    const { index, ids } = await indexOf(1);
    const { id } = index.replay(ALL);
    index.whileSending = () => {
      index.abort(id);
      throw new Error("the queue is down");
    };
    await index.run(60);
    expect(index.found(id)).toMatchObject({ state: "aborted", replayed: 0, failed: 1 });
    expect(index.entry(ids[0]!).state).toBe("open");
  });

  it("says so when the record is gone from R2", async () => {
    const { index, ids } = await indexOf(1);
    index.records.clear();
    const { id } = index.replay(ALL);
    await index.alarm();
    expect(index.found(id)).toMatchObject({ state: "done", failed: 1 });
    expect(index.found(id).items?.[0]?.detail).toContain("restore it from a backup");
    expect(index.entry(ids[0]!).state).toBe("open");
  });
});
