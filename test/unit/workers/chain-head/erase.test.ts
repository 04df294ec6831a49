import { describe, expect, it } from "vitest";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";

/** Makes a chain whose block 2 is reserved and holds transaction 1. */
function reserved(): TestHead {
  const head = new TestHead().begun();
  head.admit(1);
  head.requestMining();
  head.reserve();
  return head;
}

describe("whether a private part may be erased", () => {
  it("is refused on its way into a block, and allowed once that is complete", () => {
    const head = new TestHead().begun();
    head.admit(1);
    expect(head.erase(1)).toEqual({ mayNot: "pending" });
    head.requestMining();
    head.reserve();
    expect(head.erase(1)).toEqual({ mayNot: "reserved" });
    head.mine();
    const { block, state } = head.transaction(1) ?? {};
    expect(state).toBe("mined");
    expect(head.erase(1)).toEqual(
      block?.state === "complete" ? { may: "archived", blockNumber: block.blockNumber } : { mayNot: "mined" },
    );
  });

  it("is not decided while the chain is being restored: the block may go through its stages once more", () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    head.mine();
    head.finish(2);
    expect(head.erase(1)).toEqual({ may: "archived", blockNumber: 2 });
    head.sql.exec("INSERT INTO fact (name, value) VALUES ('restoring', '1')");
    expect(head.erase(1)).toEqual({ mayNot: "restoring" });
  });

  it("is not decided of one that only a dead letter holds, before the chain is known: a block may have it", () => {
    const lost = new TestHead({}, { archive: true, kv: true });
    expect(lost.erase(1, true)).toEqual({ mayNot: "restoring" });
    const restoring = new TestHead().begun();
    restoring.sql.exec("INSERT INTO fact (name, value) VALUES ('restoring', '1')");
    expect(restoring.erase(1, true)).toEqual({ mayNot: "restoring" });
    expect(restoring.transaction(1)).toBeNull();
  });

  it("changes nothing for one that nobody knows", () => {
    const head = new TestHead().begun();
    expect(head.erase(7)).toEqual({ mayNot: "unknown" });
    expect(head.transaction(7)).toBeNull();
  });
});

describe("a transaction that no block took, once it was erased", () => {
  it("stays set aside, is not readmitted, and a pending object of it is a late duplicate", () => {
    const head = reserved();
    head.setAside(2, 1);
    expect(head.erase(1)).toEqual({ may: "withdrawn" });
    expect(head.transaction(1)).toMatchObject({ state: "set_aside", reason: "erased" });
    expect(head.readmit(1)).toEqual(["erased"]);
    expect(head.admit(1).results).toEqual(["finished"]);
    expect(head.erase(1)).toEqual({ may: "withdrawn" });
    expect(head.counts()).toMatchObject({ pending: 0, waiting: 0, setAside: 1 });
    expect(head.failures()).toMatchObject([{ txId: txId(1), parked: true }]);
  });

  it("is never admitted, when only a dead letter had it", () => {
    const head = new TestHead().begun();
    expect(head.erase(1, true)).toEqual({ may: "withdrawn" });
    expect(head.admit(1).results).toEqual(["finished"]);
    expect(head.erase(1)).toEqual({ may: "withdrawn" });
    expect(head.counts()).toMatchObject({ pending: 0, waiting: 0, setAside: 1 });
  });
});
