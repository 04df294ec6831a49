import { describe, expect, it } from "vitest";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";

describe("admit", () => {
  it("admits an id once, also within one call", () => {
    const head = new TestHead();
    expect(head.admit(1, 2, 1)).toMatchObject({ results: ["admitted", "admitted", "waiting"], pending: 2 });
    expect(head.admit(2, 3)).toMatchObject({ results: ["waiting", "admitted"], pending: 3 });
    expect(head.counts()).toMatchObject({ pending: 3, waiting: 3 });
  });

  it("keeps what was said of a transaction first, whatever a repeat says", () => {
    const head = new TestHead();
    head.admit({ n: 1, timestamp: 10, size: 100 });
    head.pass(60);
    head.admit({ n: 1, timestamp: 5, size: 100_000 });
    expect(head.transaction(1)).toMatchObject({ timestamp: 10, admittedAt: head.now - 60_000 });
    expect(head.sql.look("SELECT size FROM tx")).toEqual([{ size: 100 }]);
  });

  it("refuses to admit again what is reserved, mined, finished or set aside", () => {
    const head = new TestHead();
    head.admit(1, 2);
    head.requestMining();
    head.mine();
    const { blockNumber } = head.reserved();
    expect(head.admit(1).results).toEqual(["waiting"]);
    head.setAside(blockNumber, 2);
    head.seal(head.reserved());
    expect(head.admit(1, 2).results).toEqual(["mined", "set_aside"]);
    head.persisted(blockNumber);
    head.indexed(blockNumber);
    expect(head.admit(1, 2).results).toEqual(["mined", "set_aside"]);
    head.cleaned(blockNumber);
    expect(head.admit(1, 2)).toMatchObject({ results: ["finished", "set_aside"], pending: 0 });
    head.pass(10 * 365 * 86_400);
    expect(head.admit(1, 2).results).toEqual(["finished", "set_aside"]);
    head.requestMining();
    expect(head.transaction(1)?.block?.blockNumber).toBe(blockNumber);
  });

  it("requests mining in the same decision when enough unapproved transactions wait", () => {
    const head = new TestHead({ mineAtCount: 3 }).begun();
    head.admit(1, 2);
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    head.admit(3);
    expect(head.outboxItem("requeue_miner")?.due).toBe(head.now);
    expect(head.mine().transactions).toEqual([1, 2, 3].map(txId));
    head.admit(4, 5); // 1 to 3 are approved already
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    head.admit(6);
    expect(head.mine().transactions).toEqual([4, 5, 6].map(txId));
  });

  it("requests mining when the first transaction has waited long enough, also for a repeat", () => {
    const head = new TestHead({ mineAfterSeconds: 60 }).begun();
    head.admit(1);
    head.pass(59);
    head.admit(2);
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    head.pass(1);
    head.admit(1);
    expect(head.mine().transactions).toEqual([1, 2].map(txId));
  });

  it("requests no mining where an operator approves it", () => {
    const head = new TestHead({ miningMode: "approval", mineAtCount: 1, mineAfterSeconds: 1 }).begun();
    head.admit(1);
    head.pass(3_600);
    head.admit(2);
    expect(head.outboxItem("requeue_miner")).toBeUndefined();
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
  });

  it("requests no mining while the chain is halted", () => {
    const head = new TestHead({ mineAtCount: 1 }).begun();
    head.halt("two different blocks 1");
    head.admit(1);
    head.resume();
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    head.admit(1);
    expect(head.mine().transactions).toEqual([txId(1)]);
  });
});
