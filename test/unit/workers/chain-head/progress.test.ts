import { describe, expect, it } from "vitest";
import { advance, BLOCK_STATES, reached } from "../../../../shared/chain/states.ts";
import { ipfsHashOf, TestHead } from "../../../support/chain/chain-head.ts";

/** Seals blocks from number 2 on, each with one transaction. */
function sealed(blocks: number) {
  const head = new TestHead({ blockMaxTransactions: 1, maxBlocksInFlight: 100 }).begun();
  head.admit(...Array.from({ length: blocks }, (_, i) => i + 1));
  head.requestMining();
  for (let i = 0; i < blocks; i++) head.mine();
  return head;
}

describe("the states of a block", () => {
  it("moves one on at a time, never back and never over one", () => {
    for (const [i, from] of BLOCK_STATES.entries())
      for (const [j, to] of BLOCK_STATES.entries()) {
        const expected = j <= i ? "already" : j === i + 1 ? "moved" : "too_early";
        expect(advance(from, to), `${from} → ${to}`).toBe(expected);
        expect(reached(from, to), `${from} has reached ${to}`).toBe(i >= j);
      }
  });

  it("is kept by every report, in order and with its time", () => {
    const head = sealed(1);
    const start = head.now;
    const seen: unknown[] = [];
    for (const report of ["persisted", "indexed", "cleaned"] as const) {
      head.pass(1);
      head[report](2);
      seen.push(head.block(2)?.state);
    }
    expect(seen).toEqual(["persisted", "indexed", "complete"]);
    expect(head.block(2)).toMatchObject({
      ipfsHash: ipfsHashOf(2),
      times: { sealed: start, persisted: start + 1_000, indexed: start + 2_000, complete: start + 3_000 },
    });
  });

  it("is not changed by a repeat, not even its time or the pending count", () => {
    const head = sealed(2);
    head.finish(2);
    const before = { block: head.block(2), counts: head.counts(), head: head.head() };
    head.pass(60);
    for (let i = 0; i < 3; i++) head.finish(2);
    expect({ block: head.block(2), counts: head.counts(), head: head.head() }).toEqual(before);
    expect(before.counts.pending).toBe(1);
  });

  it("skips none: a report that comes too early throws and changes nothing", () => {
    const head = sealed(1);
    expect(() => head.indexed(2)).toThrow("block 2 is sealed, it can't become indexed yet");
    expect(() => head.cleaned(2)).toThrow("it can't become complete yet");
    head.persisted(2);
    expect(() => head.cleaned(2)).toThrow("it can't become complete yet");
    expect(head.block(2)).toMatchObject({ state: "persisted", times: { indexed: null, complete: null } });
    expect(head.counts().pending).toBe(1);
  });

  it("needs a seal first", () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    head.reserve();
    for (const report of ["persisted", "indexed", "cleaned"] as const) {
      expect(() => head[report](2)).toThrow("block 2 is not sealed");
      expect(() => head[report](99)).toThrow("block 99 is not sealed");
    }
    expect(head.block(2)?.state).toBe("reserved");
  });

  it("takes no report about another block or another CID than the one sealed and stored", () => {
    const head = sealed(1);
    expect(() => head.persisted(2, { hash: "f".repeat(64) })).toThrow("the report is about");
    expect(() => head.persisted(2, { ipfsHash: "QmOther" })).toThrow("the report says QmOther");
    expect(head.block(2)).toMatchObject({ state: "sealed", cid: ipfsHashOf(2), ipfsHash: null });
    head.persisted(2);
    expect(() => head.persisted(2, { ipfsHash: "QmOther" })).toThrow("the report says QmOther");
    expect(head.block(2)?.ipfsHash).toBe(ipfsHashOf(2));
  });
});

describe("the latest block", () => {
  it("moves in order over blocks that are persisted out of order, and never back [T59]", () => {
    const head = sealed(4);
    const latest: (number | undefined)[] = [];
    for (const blockNumber of [3, 5, 2, 2, 3, 4]) {
      head.persisted(blockNumber);
      latest.push(head.head().latest?.blockNumber);
    }
    expect(latest).toEqual([1, 1, 3, 3, 3, 5]);
    head.finish(2);
    head.finish(4);
    expect(head.head().latest?.blockNumber).toBe(5);
  });

  it("is none before genesis is in every tier", () => {
    const head = new TestHead();
    head.admit(1);
    head.requestMining();
    head.mine();
    const first = head.mine();
    head.persisted(first.blockNumber);
    expect(head.head().latest).toBeNull();
    head.persisted(0);
    expect(head.head().latest?.blockNumber).toBe(1);
  });
});

describe("the pending count", () => {
  it("goes down only when a block is complete, by the transactions in it", () => {
    const head = sealed(1);
    head.admit(8, 9);
    for (const report of ["persisted", "indexed"] as const) {
      head[report](2);
      expect(head.counts().pending).toBe(3);
    }
    head.cleaned(2);
    expect(head.counts()).toMatchObject({ pending: 2, waiting: 2 });
  });

  it("does not count the system's own transactions", () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    head.seal(head.reserved(), { systemTransactions: 1 });
    head.finish(2);
    expect(head.counts()).toMatchObject({ pending: 0, mined: 2 });
  });
});
