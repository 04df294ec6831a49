import { describe, expect, it } from "vitest";
import { TestHead } from "../../../support/chain/chain-head.ts";

describe("a halted chain", () => {
  it("seals no block, not even one that was reserved before", () => {
    const head = new TestHead();
    head.admit(1);
    head.requestMining();
    const reservation = head.reserved();
    head.halt("a fork");
    expect(head.seal(reservation)).toEqual({ stale: true });
    head.resume();
    expect(head.seal(reservation)).toMatchObject({ won: true });
  });

  it("tells every stage of a sealed block that it waits", () => {
    const head = new TestHead();
    head.admit(1);
    head.requestMining();
    head.seal(head.reserved());
    expect(head.block(0)).toMatchObject({ state: "sealed", halted: false });
    head.halt("a fork");
    expect(head.block(0)).toMatchObject({ state: "sealed", halted: true });
  });
});

describe("two requests at one moment", () => {
  it("concern the block that is being made, though one before it is not finished", () => {
    const head = new TestHead();
    head.admit(1);
    head.requestMining();
    head.seal(head.reserved()); // genesis
    head.seal(head.reserved()); // block 1, sealed and unfinished
    head.admit(2);
    expect(head.requestMining()).toMatchObject({ blockNumber: 2, state: "requested" });
    head.reserve();
    expect(head.requestMining()).toMatchObject({ blockNumber: 2, state: "reserved" });
  });
});

describe("mining that is owed", () => {
  it("is owed since the approval, or since a transaction has waited as long as the rules say", () => {
    const head = new TestHead({ miningMode: "auto", mineAfterSeconds: 60 });
    head.admit(1);
    const admitted = head.now;
    expect(head.status().miningOwedSince).toBe(admitted + 60_000);
    head.pass(10);
    head.requestMining();
    expect(head.status().miningOwedSince).toBe(admitted + 10_000);
  });

  it("is owed as early when later requests follow while the miner is away", () => {
    const head = new TestHead({ mineAtCount: 2, mineAfterSeconds: 60 }).begun();
    const admitted = head.now;
    for (let n = 1; n <= 100; n++) {
      head.admit(n);
      head.pass(10);
    }
    expect(head.status().miningOwedSince).toBe(admitted + 60_000);
  });

  it("is not owed to what waits for an operator", () => {
    const head = new TestHead({ miningMode: "approval" });
    head.admit(1);
    expect(head.status().miningOwedSince).toBeNull();
  });
});
