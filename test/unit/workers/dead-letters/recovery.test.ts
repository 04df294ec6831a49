import { describe, expect, it } from "vitest";
import { factsOf, type ParkedMessage } from "../../../../workers/dead-letters/entries/record.ts";
import { TestIndex } from "../../../support/chain/dead-letter-index.ts";

const EXHAUSTED = { reason: "retries_exhausted" };
const FIRST_WAIT = 60;
const LONGEST_WAIT = 6 * 3_600;
const block = (blockNumber: number) => ({ v: 1, blockNumber });

/** Makes an index with this many letters of the storage-verifier that used up their retries. */
async function indexOf(count: number, from = 100): Promise<{ index: TestIndex; ids: string[] }> {
  const index = new TestIndex();
  const ids: string[] = [];
  for (let n = 0; n < count; n++)
    ids.push(await index.giveUp("storage-verifier", block(from + n), EXHAUSTED));
  return { index, ids };
}

const numbers = (index: TestIndex) =>
  index.sent.map(({ message }) => (message as { blockNumber: number }).blockNumber);

describe("letters that used up their retries", () => {
  it("wait while their stage fails: one at a time is sent, later each time, at last every six hours", async () => {
    const { index } = await indexOf(50);
    await index.run(FIRST_WAIT - 1);
    expect(index.sent).toEqual([]);
    const start = index.now;
    await index.run(4 * 86_400);
    const gaps = index.sent.map(({ at }, i) => (at - (index.sent[i - 1]?.at ?? start)) / 1_000);
    expect(gaps.slice(1, 5)).toEqual([60, 120, 240, 480]);
    expect(gaps.at(-1)).toBe(LONGEST_WAIT);
    expect(index.sent.length).toBeLessThan(30);
    expect(new Set(numbers(index)).size).toBe(index.sent.length);
    expect(index.recoveries()).toMatchObject([{ stage: "storage-verifier", phase: "probing" }]);
  });

  it("are sent once each, at a rate, when one of them got through", async () => {
    const { index, ids } = await indexOf(700);
    await index.run(FIRST_WAIT);
    expect(numbers(index)).toEqual([100]);
    index.resolved("storage-verifier", 100);
    expect(index.recoveries()).toEqual([{ stage: "storage-verifier", phase: "replaying", nextAt: null }]);
    await index.run(120);
    expect(index.sent).toHaveLength(700);
    expect(new Set(numbers(index)).size).toBe(700);
    for (const { at } of index.sent)
      expect(index.sent.filter((other) => other.at >= at && other.at < at + 1_000).length).toBeLessThan(11);
    expect(Math.max(...index.replays().map(({ total }) => total))).toBe(500);
    for (let n = 0; n < 700; n++) index.resolved("storage-verifier", 100 + n);
    await index.run(86_400);
    expect(ids.map((id) => index.entry(id).state)).toEqual(ids.map(() => "resolved"));
    expect(index.sent).toHaveLength(700);
    expect(index.recoveries()).toEqual([]);
  });

  it("stop following when one fails again, until another gets through", async () => {
    const { index } = await indexOf(600);
    await index.run(FIRST_WAIT);
    index.resolved("storage-verifier", 100);
    await index.run(5);
    await index.giveUp("storage-verifier", block(101), EXHAUSTED);
    await index.run(55);
    expect(index.sent).toHaveLength(501);
    expect(index.recoveries()).toMatchObject([{ phase: "probing" }]);
    await index.run(LONGEST_WAIT);
    index.resolved("storage-verifier", numbers(index).at(-1)!);
    await index.run(60);
    expect(new Set(numbers(index)).size).toBe(600);
  });

  it("are not kept waiting by one that always fails", async () => {
    const { index } = await indexOf(3);
    index.whileSending = async () => {
      if (numbers(index).at(-1) === 100) await index.giveUp("storage-verifier", block(100), EXHAUSTED);
    };
    await index.run(3_600);
    expect(numbers(index).slice(0, 3)).toEqual([100, 101, 102]);
  });

  it("do not keep the probe of another stage waiting when their stage has a backlog", async () => {
    const { index } = await indexOf(2_000);
    index.pass(5);
    await index.giveUp("indexer", block(70), EXHAUSTED);
    index.whileSending = () => {
      const last = index.sent.at(-1)!;
      if (last.to === "storage-verifier")
        index.resolved(last.to, (last.message as { blockNumber: number }).blockNumber);
    };
    await index.run(300);
    expect(index.sent).toHaveLength(2_001);
    // At most one probe and two replays come first, because the backlog became due before the indexer did.
    expect(index.sent.findIndex(({ to }) => to === "indexer")).toBeLessThanOrEqual(1_001);
  });

  it("are probed after a minute again once a letter got through, however long the wait had become", async () => {
    const { index } = await indexOf(2);
    const failAgain = async () => {
      await index.giveUp("storage-verifier", block(numbers(index).at(-1)!), EXHAUSTED);
    };
    index.whileSending = failAgain;
    await index.run(3 * 86_400);
    index.whileSending = () => {};
    const before = index.sent.length;
    await index.run(LONGEST_WAIT);
    expect(index.sent).toHaveLength(before + 1);
    index.whileSending = failAgain;
    index.resolved("storage-verifier", numbers(index).at(-1)!);
    await index.run(FIRST_WAIT + 10);
    const [released, probe] = index.sent.slice(before + 1).map(({ at }) => at);
    expect(probe! - released!).toBe(FIRST_WAIT * 1_000);
  });

  it("are probed later each time when there is but one, and it fails each time", async () => {
    const { index } = await indexOf(1);
    const waits: number[] = [];
    for (let n = 1; n <= 12; n++) {
      const failedAt = index.now;
      while (index.sent.length < n) await index.run(60);
      waits.push((index.sent.at(-1)!.at - failedAt) / 1_000);
      await index.run(86_400);
      await index.giveUp("storage-verifier", block(100), EXHAUSTED);
    }
    expect(waits.slice(0, 4)).toEqual([60, 120, 240, 480]);
    expect(waits.at(-1)).toBe(LONGEST_WAIT);
  });

  it("are tried, while they can't be sent, no more often than the stage is probed, though the stage works", async () => {
    const { index, ids } = await indexOf(3);
    await index.run(FIRST_WAIT);
    for (const key of index.records.keys()) if (!key.includes(ids[0]!)) index.records.delete(key);
    index.resolved("storage-verifier", 100);
    await index.run(7 * 86_400);
    expect(numbers(index)).toEqual([100]);
    expect(index.replays().length).toBeLessThan(45);
    expect(ids.map((id) => index.entry(id).state)).toEqual(["resolved", "open", "open"]);
  });

  it("do not concern letters of other stages", async () => {
    const { index } = await indexOf(2);
    const other = await index.giveUp("indexer", block(300), EXHAUSTED);
    await index.run(FIRST_WAIT + 5);
    index.resolved("storage-verifier", 100);
    await index.run(20);
    expect(index.sent.map(({ to }) => to)).toEqual(["indexer", "storage-verifier", "storage-verifier"]);
    expect(index.recoveries()).toMatchObject([{ stage: "indexer", phase: "probing" }]);
    expect(index.entry(other).state).toBe("replaying");
  });
});

describe("letters that an index reads from R2 after a loss of its storage", () => {
  it("wait for an operator, who may have dismissed them before the loss", async () => {
    const { index, ids } = await indexOf(2);
    expect(index.entry(ids[0]!)).toMatchObject({ state: "open", replaysItself: true });
    index.dismiss(ids[0]!);
    index.loseStorage();
    await index.run(30 * 86_400);
    expect({ sent: index.sent, audited: index.audited }).toEqual({ sent: [], audited: [] });
    const waiting = { state: "open", replaysItself: false };
    expect(ids.map((id) => index.entry(id))).toMatchObject([waiting, waiting]);
  });

  it("do not keep a letter waiting that fails after the loss, and do not follow it", async () => {
    const { index } = await indexOf(2);
    index.loseStorage();
    await index.run(5);
    await index.giveUp("storage-verifier", block(300), EXHAUSTED);
    await index.run(FIRST_WAIT);
    index.resolved("storage-verifier", 300);
    await index.run(86_400);
    expect(numbers(index)).toEqual([300]);
    expect(index.recoveries()).toEqual([]);
  });

  it("replay themselves once they have failed again, or an operator has replayed them", async () => {
    const { index, ids } = await indexOf(3);
    index.loseStorage();
    await index.run(5);
    await index.giveUp("storage-verifier", block(100), EXHAUSTED);
    index.failing = ["storage-verifier"];
    const { id } = index.replay({ ids: [ids[1]!] });
    await index.run(30);
    expect(index.found(id)).toMatchObject({ state: "done", failed: 1 });
    index.failing = [];
    await index.run(600);
    expect(numbers(index).toSorted((a, b) => a - b)).toEqual([100, 101]);
  });

  it("replay themselves when the index hears of their parking after it has read them", async () => {
    const { index } = await indexOf(1);
    const [text] = index.records.values();
    index.loseStorage();
    await index.run(5);
    index.note(factsOf(JSON.parse(text!) as ParkedMessage));
    await index.run(FIRST_WAIT);
    expect(numbers(index)).toEqual([100]);
  });
});

describe("a letter about nothing that the chain head or a stage can report on", () => {
  const CASES = [
    ["miner", { v: 1 }],
    ["storage-verifier", { v: 1, kind: "chunk", runId: "r", from: 7 }],
  ] as const;

  it.for(CASES)("releases no other letter of %s when it is sent: %j", async ([stage, message]) => {
    const index = new TestIndex();
    const id = await index.giveUp(stage, message, EXHAUSTED);
    index.pass(1);
    for (let n = 0; n < 20; n++) await index.giveUp(stage, block(300 + n), EXHAUSTED);
    await index.run(FIRST_WAIT);
    expect(index.sent.map((sent) => sent.message)).toEqual([message]);
    await index.run(600);
    expect(index.sent.length).toBeLessThan(5);
    expect(index.recoveries()).toMatchObject([{ stage, phase: "probing" }]);
    expect(index.entry(id).state).toBe("replaying");
  });

  it.for(CASES)("counts as replaying for five days, then as done: %s %j", async ([stage, message]) => {
    const index = new TestIndex();
    const id = await index.giveUp(stage, message, EXHAUSTED);
    await index.run(FIRST_WAIT + 5 * 86_400 - 1);
    expect(index.entry(id).state).toBe("replaying");
    await index.run(5);
    expect(index.entry(id).state).toBe("resolved");
    expect(await index.run(30 * 86_400)).toBe(0);
    expect(index.sent).toHaveLength(1);
  });

  it("is open again when it fails again", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("miner", { v: 1 }, EXHAUSTED);
    await index.run(4 * 86_400);
    await index.giveUp("miner", { v: 1 }, EXHAUSTED);
    expect(index.entry(id).state).toBe("open");
    await index.run(2 * 86_400);
    expect(index.entry(id).state).toBe("replaying");
    expect(index.sent).toHaveLength(2);
  });
});

describe("letters that failed for another reason", () => {
  it.for(["malformed_message", "unknown_key", "missing", "forked", "unrepairable"])(
    "wait for an operator: %s",
    async (reason) => {
      const index = new TestIndex();
      const id = await index.giveUp("storage-verifier", block(7), { reason });
      await index.run(30 * 86_400);
      expect({ sent: index.sent, audited: index.audited }).toEqual({ sent: [], audited: [] });
      expect(index.entry(id).state).toBe("open");
    },
  );

  it("do so when the reason is the latest of several", async () => {
    const index = new TestIndex();
    const id = await index.giveUp("indexer", block(70), EXHAUSTED);
    index.pass(10);
    await index.giveUp("indexer", block(70), { reason: "forked" });
    await index.run(30 * 86_400);
    expect(index.sent).toEqual([]);
    expect(index.entry(id).reason).toBe("forked");
  });
});

describe("an automatic replay", () => {
  it("is in the audit log before anything is sent, with what came of it, and in the list of replays", async () => {
    const { index } = await indexOf(1);
    await index.run(FIRST_WAIT);
    const [replay] = index.replays();
    expect(replay).toMatchObject({ by: "schedule", automatic: true, total: 1 });
    expect(index.audited).toMatchObject([
      {
        operator: { name: "schedule", by: "schedule" },
        action: "dead-letters.recover",
        target: "storage-verifier: 1 dead letter(s)",
      },
    ]);
    expect(index.outcomes).toMatchObject([
      { sequence: 1, outcome: { problem: null, result: { id: replay?.id, total: 1 } } },
    ]);
  });

  it("is not made while the audit log does not answer, and is made when it does", async () => {
    const { index } = await indexOf(1);
    index.failing = ["audit-log"];
    await index.run(FIRST_WAIT + 60);
    expect({ sent: index.sent, replays: index.replays() }).toEqual({ sent: [], replays: [] });
    index.failing = [];
    await index.run(5);
    expect(index.sent).toHaveLength(1);
  });

  it("leaves out what an operator dismissed or erased while it was being written down", async () => {
    const { index, ids } = await indexOf(1);
    index.whileAuditing = () => void index.dismiss(ids[0]!);
    await index.run(86_400);
    expect(index.sent).toEqual([]);
    expect(index.outcomes).toMatchObject([{ outcome: { result: { total: 0 } } }]);
    expect(index.recoveries()).toEqual([]);
  });

  it("ends for an operator's, which then sends each letter once", async () => {
    const { index } = await indexOf(300);
    await index.run(FIRST_WAIT);
    index.resolved("storage-verifier", 100);
    await index.run(5);
    const before = index.sent.length;
    expect(before).toBeGreaterThan(20);
    const { id } = index.replay({ filter: { stage: "storage-verifier" } }, { ratePerSecond: 500 });
    await index.run(5);
    expect(index.found(id)).toMatchObject({ state: "done", automatic: false });
    expect(index.replays().find(({ state }) => state === "aborted")).toMatchObject({ automatic: true });
    expect(index.sent).toHaveLength(300);
    expect(new Set(numbers(index)).size).toBe(300);
  });

  it("waits while an operator's runs", async () => {
    const { index } = await indexOf(5);
    const { id } = index.replay({ all: true }, { ratePerSecond: 1 });
    index.pass(FIRST_WAIT + 1);
    await index.alarm();
    expect(index.replays().map((replay) => replay.id)).toEqual([id]);
    expect(index.audited).toEqual([]);
  });

  it("is not made again for six hours after an operator stops it", async () => {
    const { index } = await indexOf(100);
    await index.run(FIRST_WAIT);
    index.resolved("storage-verifier", 100);
    await index.run(2);
    const running = index.replays().find(({ state }) => state === "running");
    index.abort(running!.id);
    const sent = index.sent.length;
    index.resolved("storage-verifier", numbers(index).at(-1)!);
    expect(index.recoveries()).toEqual([
      { stage: "storage-verifier", phase: "probing", nextAt: index.now + LONGEST_WAIT * 1_000 },
    ]);
    await index.run(LONGEST_WAIT - 10);
    expect(index.sent).toHaveLength(sent);
    await index.run(20);
    expect(index.sent).toHaveLength(sent + 1);
  });

  it("is made once, wherever the object crashes", async () => {
    for (let decisions = 0; decisions < 8; decisions++) {
      const { index } = await indexOf(1);
      index.pass(FIRST_WAIT);
      index.crashAfterDecisions = decisions;
      await index.alarm().catch(() => {});
      index.crashAfterDecisions = Infinity;
      await index.run(FIRST_WAIT - 10);
      expect(new Set(numbers(index)).size, `after ${decisions} decisions`).toBe(1);
      expect(index.sent.length).toBeLessThanOrEqual(2);
      expect(index.replays()).toHaveLength(1);
    }
  });
});
