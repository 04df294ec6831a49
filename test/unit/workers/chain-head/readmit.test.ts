import { describe, expect, it } from "vitest";
import { parked } from "../../../../workers/chain-head/decisions/set-aside.ts";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";

/** Sets these transactions aside from block 2, and parks them as dead letters. */
function setAside(...numbers: number[]): TestHead {
  const head = new TestHead().begun();
  head.admit(...numbers);
  head.requestMining();
  head.reserve();
  for (const n of numbers) head.setAside(2, n);
  head.park();
  return head;
}

describe("a transaction that was set aside", () => {
  it("waits for a block again, once, and the counts agree", () => {
    const head = setAside(1, 2);
    expect(head.counts()).toMatchObject({ pending: 0, waiting: 0, setAside: 2 });
    expect(head.readmit(1, 1)).toEqual(["readmitted", "pending"]);
    expect(head.transaction(1)).toMatchObject({ state: "pending", reason: null, admittedAt: head.now });
    expect(head.counts()).toMatchObject({ pending: 1, waiting: 1, setAside: 1 });
    expect(head.failures().map((failure) => failure.txId)).toEqual([txId(2)]);
  });

  it("is mined with what is asked for next, and not before", () => {
    const head = setAside(1);
    head.readmit(1);
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    head.requestMining();
    expect(head.mine().transactions).toEqual([txId(1)]);
    expect(head.counts()).toMatchObject({ waiting: 0, setAside: 0, mined: 2 });
  });

  it("does not make mining look overdue by the time for which it was set aside", () => {
    const head = setAside(1);
    head.pass(86_400);
    head.readmit(1);
    expect(head.status().miningOwedSince).toBe(head.now + head.rules.mineAfterSeconds * 1_000);
  });

  it("is set aside and parked again when its cause is not mended", () => {
    const head = setAside(1);
    head.readmit(1);
    head.requestMining();
    head.reserve();
    head.pass(1);
    head.setAside(2, 1, "missing");
    expect(head.failures()).toMatchObject([
      { txId: txId(1), reason: "missing", at: head.now, parked: false },
    ]);
    expect(head.outbox().filter(({ item }) => item.kind === "park")).toHaveLength(1);
    expect(head.counts()).toMatchObject({ pending: 0, waiting: 0, setAside: 1 });
  });

  it("owes its new failure to the dead letters though the one before is only now said to be parked", () => {
    const head = setAside(1);
    const [first] = head.failures();
    head.readmit(1);
    const strikeOff = () => head.sql.transaction(() => parked(head.sql, txId(1), first!.at));
    strikeOff();
    head.requestMining();
    head.reserve();
    head.pass(1);
    head.setAside(2, 1);
    strikeOff();
    expect(head.failures()).toMatchObject([{ txId: txId(1), at: head.now, parked: false }]);
  });

  it("stays where it is until its failure is on record, so that none is forgotten", () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    head.reserve();
    head.setAside(2, 1);
    expect(head.readmit(1)).toEqual(["being_parked"]);
    expect(head.transaction(1)?.state).toBe("set_aside");
    head.park();
    expect(head.readmit(1)).toEqual(["readmitted"]);
  });
});

describe("any other transaction", () => {
  it("stays what it is", () => {
    const head = new TestHead().begun();
    head.admit(1);
    expect(head.readmit(0, 1, 99)).toEqual(["mined", "pending", "unknown"]);
    head.requestMining();
    head.reserve();
    expect(head.readmit(1)).toEqual(["reserved"]);
    expect(head.transaction(0)?.state).toBe("mined");
    expect(head.transaction(99)).toBeNull();
    expect(head.counts()).toMatchObject({ pending: 1, waiting: 0, mined: 1, setAside: 0 });
  });
});

describe("knownStates", () => {
  it("say of many where they are, in the order asked for, and nothing of what is unknown", () => {
    const head = setAside(1);
    head.admit(2);
    expect(head.knownStates([99, 2, 1, 0], [1, 7])).toEqual({
      transactions: [
        null,
        { state: "pending", blockNumber: null, refused: false },
        { state: "set_aside", blockNumber: null, refused: false },
        { state: "mined", blockNumber: 1, refused: false },
      ],
      blocks: ["complete", null],
      checkpointed: 0,
    });
  });
});
