import { describe, expect, it } from "vitest";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";

describe("a request for mining", () => {
  it("says so when nothing waits", () => {
    const head = new TestHead();
    expect(head.requestMining()).toMatchObject({ mining: false, reason: "nothing_pending" });
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
  });

  it("mines nothing that nobody asked for", () => {
    const head = new TestHead();
    head.admit(1, 2, 3);
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    expect(head.status().counts.blocks).toBe(0);
  });

  it("names the first block that carries transactions, though genesis comes before it", () => {
    const head = new TestHead();
    head.admit(1, 2);
    expect(head.requestMining()).toEqual({
      mining: true,
      blockNumber: 1,
      transactions: 2,
      state: "requested",
    });
    head.reserve();
    expect(head.requestMining()).toMatchObject({ blockNumber: 1, transactions: 2, state: "requested" });
    head.mine();
    expect(head.requestMining()).toMatchObject({ blockNumber: 1, transactions: 2, state: "requested" });
    expect(head.reserved()).toMatchObject({ blockNumber: 1 });
  });

  it("concerns the same block when it is asked twice", () => {
    const head = new TestHead().begun();
    head.admit(1, 2);
    const first = head.requestMining();
    expect(first).toMatchObject({ mining: true, blockNumber: 2, transactions: 2 });
    expect(head.requestMining()).toEqual(first);
    const reservation = head.reserved();
    expect(head.requestMining()).toMatchObject({ blockNumber: 2, transactions: 2, state: "reserved" });
    head.seal(reservation);
    expect(head.requestMining()).toMatchObject({ blockNumber: 2, transactions: 2, state: "sealed" });
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    head.finish(2);
    expect(head.requestMining()).toMatchObject({ mining: false, reason: "nothing_pending" });
  });

  it("is for what had been admitted by then: what comes later waits for the next request", () => {
    const head = new TestHead().begun();
    head.admit(2);
    head.requestMining();
    head.admit(1); // older by its own time, but it came after the request
    expect(head.mine().transactions).toEqual([txId(2)]);
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    expect(head.counts()).toMatchObject({ waiting: 1 });
    expect(head.requestMining()).toMatchObject({ blockNumber: 3, transactions: 1, state: "requested" });
    expect(head.mine().transactions).toEqual([txId(1)]);
  });

  it("names the open block while there is one, though more has come for the next", () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    head.reserve();
    head.admit(2);
    expect(head.requestMining()).toMatchObject({ blockNumber: 2, transactions: 1, state: "reserved" });
    head.mine();
    expect(head.mine()).toMatchObject({ blockNumber: 3, transactions: [txId(2)] });
  });

  it("covers as many blocks as the limits say", () => {
    const head = new TestHead({ blockMaxTransactions: 2 }).begun();
    head.admit(1, 2, 3, 4, 5);
    expect(head.requestMining()).toMatchObject({ blockNumber: 2, transactions: 2 });
    const blocks = [head.mine(), head.mine(), head.mine()];
    expect(blocks.map(({ transactions }) => transactions.length)).toEqual([2, 2, 1]);
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
  });

  it("is an operator's alone in approval mode", () => {
    const head = new TestHead({ miningMode: "approval", mineAtCount: 1, mineAfterSeconds: 1 });
    head.admit(1);
    head.pass(3_600);
    expect(head.mineIfDue()).toBeNull();
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    expect(head.requestMining()).toMatchObject({ mining: true, blockNumber: 1 });
  });

  it("is refused while the chain is halted, and approves nothing for later", () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.halt("two different blocks 1");
    expect(head.requestMining()).toEqual({
      mining: false,
      reason: "halted",
      halted: { reason: "two different blocks 1", at: head.now, endsWith: "resume" },
    });
    head.resume();
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    expect(head.requestMining()).toMatchObject({ mining: true, blockNumber: 2 });
  });

  it("comes from the clock only when mining is due", () => {
    const head = new TestHead({ mineAtCount: 2, mineAfterSeconds: 60 }).begun();
    expect(head.mineIfDue()).toBeNull();
    head.admit(1);
    expect(head.mineIfDue()).toBeNull();
    head.pass(60);
    expect(head.mineIfDue()).toMatchObject({ mining: true, blockNumber: 2 });
    expect(head.mineIfDue()).toBeNull();
    head.admit(2, 3); // the admission requests mining itself
    expect(head.mineIfDue()).toBeNull();
  });

  it("is not due because of transactions that were withdrawn", () => {
    const head = new TestHead({ mineAtCount: 3 }).begun();
    head.admit(1, 2);
    head.withdraw(1, 2);
    head.admit(3, 4);
    expect(head.mineIfDue()).toBeNull();
    head.admit(5);
    expect(head.mine().transactions).toEqual([3, 4, 5].map(txId));
  });
});
