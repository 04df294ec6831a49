import { describe, expect, it } from "vitest";
import type { RestoredBlock } from "../../../../shared/chain/reservation.ts";
import { allowGenesis } from "../../../../workers/chain-head/decisions/genesis-guard.ts";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";
import { lostChain, TRACES } from "../../../support/chain/lost-chain.ts";

function restored(
  blocks: readonly RestoredBlock[],
  publishedThrough: number,
  head = new TestHead({}, TRACES),
  staged: readonly number[] = [],
): TestHead {
  head.beginRestore();
  for (const block of blocks) head.restoreBlock(block);
  head.endRestore({ publishedThrough, staged });
  return head;
}

describe("a chain head without a block", () => {
  it("begins a chain where none has been [T61]", () => {
    const head = new TestHead();
    head.admit(1);
    head.requestMining();
    expect(head.reserved()).toMatchObject({ blockNumber: 0 });
  });

  it.for([
    [{ archive: true, kv: false }, "R2 holds"],
    [{ archive: false, kv: true }, "KV holds"],
    [TRACES, "R2 and KV hold"],
  ] as const)("halts where %j tell of one, and says what to do", ([traces, places]) => {
    const head = new TestHead({}, traces);
    expect(head.status().halted).toMatchObject({
      reason: expect.stringContaining(`${places} a chain`),
      endsWith: "restore",
    });
    head.admit(1);
    expect(head.requestMining()).toMatchObject({ mining: false, reason: "halted" });
    expect(head.resume(true)).toBe(false);
    expect(head.requestMining()).toMatchObject({ mining: false, reason: "halted" });
  });

  it("goes on without a restore once R2 and KV hold no chain any more, and looks again before it begins one", () => {
    const head = new TestHead({}, TRACES);
    expect(head.resume(false)).toBe(true);
    head.admit(1);
    head.requestMining();
    expect(head.reserve()).toEqual({ none: "genesis_undecided" });
    allowGenesis(head.sql, TRACES, head.now);
    expect(head.reserve()).toEqual({ none: "halted" });
  });
});

describe("a chain head that is rebuilt", () => {
  it("knows what it knew: blocks, history, keys, transactions", () => {
    const { head: before, blocks } = lostChain(6);
    const after = restored(blocks, 5);
    expect(after.head()).toEqual({ ...before.head(), latest: expect.objectContaining({ blockNumber: 5 }) });
    for (let n = 0; n < 6; n++) {
      expect(after.block(n)).toMatchObject({
        hash: before.block(n)?.hash,
        state: "complete",
        transactionCount: 1,
      });
      expect(after.block(n)?.historyRoot).toBe(before.block(n)?.historyRoot);
    }
    expect(after.transaction(3)).toMatchObject({ state: "mined", block: before.transaction(3)?.block });
    expect(after.counts()).toEqual({ ...before.counts(), pending: 0, waiting: 0 });
  });

  it("makes the very next block that it would have made", () => {
    const { head: before, blocks } = lostChain(4);
    const next = [before, restored(blocks, 3)].map((head) => {
      head.admit(9);
      head.requestMining();
      const { blockNumber, previousHash, previousCid, historyRoot, transactions } = head.reserved();
      return { blockNumber, previousHash, previousCid, historyRoot, transactions };
    });
    expect(next[1]).toEqual(next[0]);
  });

  it("refuses a block that does not follow, and passes over one that it has [T52 T61]", () => {
    const { blocks } = lostChain(3);
    const [genesis, first, second] = blocks as [RestoredBlock, RestoredBlock, RestoredBlock];
    const head = new TestHead({}, TRACES);
    head.beginRestore();
    expect(() => head.restoreBlock(first)).toThrow("does not follow");
    head.restoreBlock(genesis);
    for (const change of [
      { previousHash: "f".repeat(64) },
      { previousCid: "QmOther" },
      { previousCid: null },
      { historyRoot: "f".repeat(64) },
      { timestamp: 0 },
    ])
      expect(() => head.restoreBlock({ ...first, ...change }), JSON.stringify(change)).toThrow(
        "does not follow",
      );
    head.restoreBlock(first);
    expect(head.restoreBlock(first)).toMatchObject({ blockNumber: 2 });
    expect(() => head.restoreBlock({ ...second, transactions: first.transactions })).toThrow(
      "in another block",
    );
    expect(head.counts()).toMatchObject({ blocks: 2, mined: 1 });
  });

  it("makes no block while it is being rebuilt, and takes no restore once it has a chain", () => {
    const { blocks } = lostChain(3);
    const head = new TestHead({}, TRACES);
    head.resume();
    head.admit(9);
    head.beginRestore();
    for (const block of blocks.slice(0, 2)) head.restoreBlock(block);
    expect(head.requestMining()).toMatchObject({ mining: false, reason: "halted" });
    expect(head.reserve()).toEqual({ none: "restoring" });
    expect(head.status().halted?.reason).toContain("vdc storage runs");
    expect(head.head().halted).toEqual(head.status().halted);
    expect(head.beginRestore()).toMatchObject({ blockNumber: 2 });
    head.restoreBlock(blocks[2] as RestoredBlock);
    head.endRestore({ publishedThrough: 2, staged: [] });
    expect(head.beginRestore()).toBeNull();
    expect(() => head.restoreBlock(blocks[0] as RestoredBlock)).toThrow("not being restored");
    expect(head.status().halted).toBeNull();
  });

  it("has what was delivered again meanwhile as mined, and no longer as waiting", () => {
    const { blocks } = lostChain(4);
    const head = new TestHead({}, TRACES);
    head.admit(2, 9);
    expect(head.counts()).toMatchObject({ pending: 2, waiting: 2 });
    restored(blocks, 3, head);
    expect(head.counts()).toMatchObject({ pending: 1, waiting: 1, mined: 3 });
    expect(head.transaction(2)).toMatchObject({ state: "mined" });
    expect(head.admit(2).results).toEqual(["finished"]);
  });

  it("sends what may have been in flight through its stages once more, and holds latest back until all of it is there", () => {
    const { blocks } = lostChain(9);
    const head = restored(blocks, -1);
    expect(head.status().unfinished.map(({ blockNumber, state }) => [blockNumber, state])).toEqual([
      [5, "sealed"],
      [6, "sealed"],
      [7, "sealed"],
      [8, "sealed"],
    ]);
    expect(head.counts().pending).toBe(4);
    for (const n of [5, 6, 7]) head.finish(n);
    expect(head.head().latest, "it named block 8 before, or may have").toBeNull();
    head.finish(8);
    expect(head.head().latest).toMatchObject({ blockNumber: 8 });
    expect(head.counts().pending).toBe(0);
  });

  it("calls nothing finished while it is being rebuilt, for what is finished may be cleared", () => {
    const { blocks } = lostChain(4);
    const head = new TestHead({}, TRACES);
    head.beginRestore();
    for (const block of blocks) head.restoreBlock(block);
    expect(head.admit(1, 2, 3).results).toEqual(["mined", "mined", "mined"]);
    head.endRestore({ publishedThrough: 3, staged: [3] });
    expect(head.admit(1, 2, 3).results).toEqual(["finished", "finished", "mined"]);
  });

  it("takes a block whose staged bytes are still there as unfinished, wherever it stands in the chain", () => {
    const { blocks } = lostChain(12);
    const head = restored(blocks, 11, undefined, [3, 11, 12]);
    expect(head.status().unfinished.map(({ blockNumber, state }) => [blockNumber, state])).toEqual([
      [3, "sealed"],
      [11, "sealed"],
    ]);
    expect(head.counts().pending).toBe(2);
    head.finish(11);
    expect(head.head().latest, "block 3 is not known to be in every tier").toBeNull();
    head.finish(3);
    expect(head.head().latest).toMatchObject({ blockNumber: 11 });
  });

  it("takes what vdc:latest still names, and is not staged any more, as finished", () => {
    const { blocks } = lostChain(9);
    const head = restored(blocks, 7);
    expect(head.status().unfinished.map(({ blockNumber }) => blockNumber)).toEqual([8]);
    head.finish(8);
    expect(head.head().latest).toMatchObject({ blockNumber: 8 });
  });

  it("has an id for each of its transactions only once", () => {
    const { blocks } = lostChain(3);
    const head = restored(blocks, 2);
    expect(head.blockTransactions(1)).toEqual([txId(1)]);
    expect(head.admit(1, 2).results).toEqual(["finished", "finished"]);
  });
});
