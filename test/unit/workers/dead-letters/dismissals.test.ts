import { describe, expect, it } from "vitest";
import { txId } from "../../../support/chain/chain-head.ts";
import { TestIndex } from "../../../support/chain/dead-letter-index.ts";

const block = (blockNumber: number) => ({ v: 1, blockNumber });
const ALL = { all: true } as const;

/** Makes an index with this many open letters of the indexer, one a second. */
async function indexOf(count: number): Promise<{ index: TestIndex; ids: string[] }> {
  const index = new TestIndex();
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    ids.push(await index.giveUp("indexer", block(100 + n)));
    index.pass(1);
  }
  return { index, ids };
}

const states = (index: TestIndex, ids: readonly string[]) => ids.map((id) => index.entry(id).state);

describe("a dismissal of many", () => {
  it("is of what its filter selects, and says who dismissed it and why", async () => {
    const { index, ids } = await indexOf(2);
    const other = await index.giveUp("miner", { v: 1 });
    expect(index.dismissSelected({ filter: { stage: "indexer" } })).toEqual({
      dryRun: false,
      dismissed: 2,
      more: false,
    });
    expect(states(index, [...ids, other])).toEqual(["dismissed", "dismissed", "open"]);
    expect(index.entry(ids[0]!).dismissed).toMatchObject({ by: "ann", reason: "a test" });
  });

  it.for([
    ["a reason", { reason: "unknown_key" }],
    ["a block", { blockNumber: 101 }],
    ["a transaction", { txId: txId(7) }],
    ["an age", { minAgeSeconds: 2 }],
    ["another age", { maxAgeSeconds: 1 }],
    ["a state", { state: "open" }],
  ] as const)(
    "takes the filter of a replay: by %s the dry run and the dismissal select the same",
    async ([, filter]) => {
      const { index } = await indexOf(3);
      await index.giveUp("pending-writer", { v: 1, txId: txId(7), envelope: { ct: "abc" } });
      index.pass(1);
      const listed = index.list({ state: "open", ...filter }).map(({ id }) => id);
      const plan = index.planDismissal({ filter });
      if ("refused" in plan) throw new Error("refused");
      expect(plan.items.map(({ id }) => id).toSorted()).toEqual(listed.toSorted());
      expect(plan.wouldDismiss).toBeGreaterThan(0);
      expect(index.dismissSelected({ filter }, plan.asOf)).toMatchObject({ dismissed: plan.wouldDismiss });
      expect(new Set(states(index, listed))).toEqual(new Set(["dismissed"]));
    },
  );

  it("leaves what failed after the dry run as it is: nobody has looked at it", async () => {
    const { index, ids } = await indexOf(2);
    const plan = index.planDismissal(ALL);
    if ("refused" in plan) throw new Error("refused");
    index.pass(5);
    await index.giveUp("indexer", block(100)); // again
    const later = await index.giveUp("indexer", block(300));
    expect(index.dismissSelected(ALL, plan.asOf)).toMatchObject({ dismissed: 1 });
    expect(states(index, [...ids, later])).toEqual(["open", "dismissed", "open"]);
  });

  it("leaves what is resolved, or dismissed already, as it is, even when it is named", async () => {
    const { index, ids } = await indexOf(3);
    index.resolved("indexer", 100);
    index.dismiss(ids[1]!);
    const before = index.entry(ids[1]!).dismissed;
    index.pass(5);
    expect(index.planDismissal({ ids })).toMatchObject({
      total: 3,
      wouldDismiss: 1,
      wouldSkip: 2,
      items: [{ detail: "is resolved" }, { detail: "is dismissed" }, { action: "dismiss" }],
    });
    expect(index.dismissSelected({ ids })).toMatchObject({ dismissed: 1 });
    expect(states(index, ids)).toEqual(["resolved", "dismissed", "dismissed"]);
    expect(index.entry(ids[1]!).dismissed).toEqual(before);
  });

  it("is refused as a whole when one of its ids is unknown", async () => {
    const { index, ids } = await indexOf(1);
    const unknown = "f".repeat(32);
    const refusal = { refused: "unknown_entries", ids: [unknown] };
    expect(index.planDismissal({ ids: [ids[0]!, unknown] })).toEqual(refusal);
    expect(index.dismissSelected({ ids: [ids[0]!, unknown] })).toEqual(refusal);
    expect(states(index, ids)).toEqual(["open"]);
  });

  it("is foretold of the first 1,000, however many are selected, and says that there are more", async () => {
    const { index } = await indexOf(1_001);
    expect(index.planDismissal(ALL)).toMatchObject({ total: 1_000, wouldDismiss: 1_000, more: true });
    index.dismissSelected(ALL);
    expect(index.planDismissal(ALL)).toMatchObject({ total: 501, wouldDismiss: 501, more: false });
  });

  it("takes a bounded number in one call, the oldest first, and goes on when it is sent again", async () => {
    const { index, ids } = await indexOf(501);
    expect(index.dismissSelected(ALL)).toMatchObject({ dismissed: 500, more: true });
    expect(index.entry(ids[500]!).state).toBe("open");
    expect(index.dismissSelected(ALL)).toMatchObject({ dismissed: 1, more: false });
    expect(index.counts()).toMatchObject({ open: {}, dismissed: 501 });
  });

  it("leaves nothing for a replay that runs: what it has not sent is skipped", async () => {
    const { index } = await indexOf(3);
    const { id } = index.replay(ALL, { ratePerSecond: 1 });
    index.pass(1);
    index.dismissSelected(ALL);
    await index.run(10);
    expect(index.found(id)).toMatchObject({ state: "done", skipped: 3, replayed: 0 });
  });
});
