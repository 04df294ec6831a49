import { describe, expect, it } from "vitest";
import type { RestoredBlock } from "../../../../shared/chain/reservation.ts";
import { haltBy } from "../../../../workers/chain-head/decisions/halt.ts";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";
import { lostChain, TRACES } from "../../../support/chain/lost-chain.ts";

/** Makes a chain head that lost its storage and was restored from these blocks, so it has a new life. */
function restored(blocks: readonly RestoredBlock[]): TestHead {
  const head = new TestHead({}, TRACES);
  head.pass(120);
  head.beginRestore();
  for (const block of blocks) head.restoreBlock(block);
  head.endRestore({ publishedThrough: blocks.length - 1, staged: [] });
  return head;
}

/**
 * Reserves the next block twice: in the life before (transaction 3) and in the restored chain head (transactions 3 and
 * 4).
 */
function reservedInBothLives() {
  const { head: before, blocks } = lostChain(3);
  before.admit(3);
  before.requestMining();
  const old = before.reserved();
  const head = restored(blocks);
  head.admit(3, 4);
  head.requestMining();
  return { old, head, fresh: head.reserved() };
}

describe("a chain head that lost its storage", () => {
  it("refuses the seal of a miner of the life before, though number and revision are the same", () => {
    const { old, head, fresh } = reservedInBothLives();
    expect([old.blockNumber, old.revision]).toEqual([fresh.blockNumber, fresh.revision]);
    expect(head.seal(old)).toEqual({ stale: true });
    expect(head.transaction(4)).toMatchObject({ state: "reserved" });
    expect(head.seal(fresh)).toMatchObject({ won: true });
  });

  it("sets no transaction aside for a miner of the life before", () => {
    const { old, head, fresh } = reservedInBothLives();
    const refused = [{ txId: txId(3), reason: "missing", error: "in a test" } as const];
    expect(head.setAsideAll({ ...old, refused })).toEqual({ none: "changed" });
    expect(head.transaction(3)).toMatchObject({ state: "reserved" });
    expect(head.setAsideAll({ ...fresh, refused })).toMatchObject({ transactions: [txId(4)] });
  });

  it("gives a miner of the life before the winner, once the block is sealed", () => {
    const { old, head, fresh } = reservedInBothLives();
    head.seal(fresh);
    expect(head.seal(old)).toMatchObject({ won: false });
  });

  it("moves no block on a report of the life before", () => {
    const { head: before, blocks } = lostChain(3);
    const head = new TestHead({}, TRACES);
    head.beginRestore();
    for (const block of blocks) head.restoreBlock(block);
    head.endRestore({ publishedThrough: 1, staged: [2] });
    const { life } = before;
    expect(head.persisted(2, { life })).toBe("stale");
    expect(head.block(2)?.state).toBe("sealed");
    expect(head.persisted(2)).toBe("moved");
    expect(head.indexed(2, life)).toBe("stale");
    expect(head.indexed(2)).toBe("moved");
    expect(head.cleaned(2, life)).toBe("stale");
    expect(head.block(2)?.state).toBe("indexed");
    expect(head.cleaned(2)).toBe("moved");
    expect(head.cleaned(2)).toBe("already");
  });

  it("is not halted by what a Worker of the life before found wrong", () => {
    const { head: before, blocks } = lostChain(3);
    const head = restored(blocks);
    expect(haltBy(head.sql, "a fork", before.life, head.now)).toBe("stale");
    expect(head.head().halted).toBeNull();
    expect(haltBy(head.sql, "a fork", head.life, head.now)).toBe("halted");
    expect(head.head().halted).toMatchObject({ reason: "a fork" });
  });

  it("takes neither a block nor the end of a restore from a Worker that restored the life before", () => {
    const { blocks } = lostChain(3);
    const first = new TestHead({}, TRACES);
    first.beginRestore();
    const second = new TestHead({}, TRACES);
    second.beginRestore();
    const [genesis, ...rest] = blocks as [RestoredBlock, ...RestoredBlock[]];
    expect(() => second.restoreBlock(genesis, first.life)).toThrow("lost its storage again");
    second.restoreBlock(genesis);
    const ending = { publishedThrough: 2, staged: [] };
    expect(() => second.endRestore({ ...ending, life: first.life, next: 1 })).toThrow(
      "lost its storage again",
    );
    expect(() => second.endRestore({ ...ending, next: 3 })).toThrow("the restored chain ends with block 0");
    for (const block of rest) second.restoreBlock(block);
    second.endRestore(ending);
    expect(second.head().restoring).toBe(false);
  });
});

describe("a halt that is found while a chain head is restored", () => {
  it("outlives the end of the restore, which ends only the halt for the lost storage", () => {
    const { blocks } = lostChain(3);
    const head = new TestHead({}, TRACES);
    expect(head.head().halted?.reason).toContain("its storage was lost");
    head.beginRestore();
    head.halt("block 1: r2 held another block 1 of this chain");
    for (const block of blocks) head.restoreBlock(block);
    head.endRestore({ publishedThrough: 2, staged: [] });
    expect(head.head().halted).toMatchObject({ reason: expect.stringContaining("another block 1") });
    expect(restored(blocks).head().halted).toBeNull();
  });
});

/** Makes a restored chain head that has block 3 reserved, with transactions 3 and 4. */
function reserved() {
  const { blocks } = lostChain(3);
  const head = restored(blocks);
  head.admit(3, 4);
  head.requestMining();
  return { head, reservation: head.reserved() };
}

describe("a transaction that was erased before a block took it", () => {
  it("is not taken after a restore either", () => {
    const { blocks } = lostChain(3);
    const head = new TestHead({}, TRACES);
    head.admit(3); // the sweep found its pending object before the restore began
    head.beginRestore();
    expect(head.restoreErasures([3, 4])).toMatchObject({ blockNumber: 0, erasures: { all: true } });
    for (const block of blocks) head.restoreBlock(block);
    head.endRestore({ publishedThrough: 2, staged: [] });
    expect(head.admit(3, 4).results).toEqual(["finished", "finished"]);
    expect(head.counts()).toMatchObject({ pending: 0, waiting: 0, setAside: 2 });
    expect(head.erase(3)).toEqual({ may: "withdrawn" });
  });

  it("leaves the reservation that a chain head without the record had put it into", () => {
    const { head, reservation } = reserved();
    expect(head.withdraw(3)).toEqual(["withdrawn"]);
    expect(head.seal(reservation)).toEqual({ stale: true });
    expect(head.reserved().transactions).toEqual([txId(4)]);
    expect(head.counts()).toMatchObject({ pending: 1, waiting: 0, setAside: 1 });
    expect(head.withdraw(4)).toEqual(["withdrawn"]);
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    expect(head.withdraw(3, 4)).toEqual(["withdrawn", "withdrawn"]);
    expect(head.counts()).toMatchObject({ pending: 0, setAside: 2 });
  });

  it("stays in the block that was sealed with it, and in the block that is restored with it", () => {
    const { head, reservation } = reserved();
    head.seal(reservation);
    expect(head.withdraw(3)).toEqual(["mined"]);
    expect(head.transaction(3)).toMatchObject({ state: "mined" });

    const { blocks } = lostChain(3);
    const again = new TestHead({}, TRACES);
    again.beginRestore();
    again.restoreErasures([2]);
    expect(again.admit(2).results, "its block may still need the pending object").toEqual(["set_aside"]);
    for (const block of blocks) again.restoreBlock(block);
    again.endRestore({ publishedThrough: 2, staged: [] });
    expect(again.transaction(2)).toMatchObject({ state: "mined", block: { blockNumber: 2 } });
    expect(again.counts()).toMatchObject({ mined: 2, setAside: 0 });
  });
});

describe("a write of vdc:latest that the life before began", () => {
  it("may still land, so nothing is published before, whatever STALL_AFTER_SECONDS is", () => {
    const { blocks } = lostChain(3);
    const head = new TestHead({ stallAfterSeconds: 1 }, TRACES);
    head.beginRestore();
    for (const block of blocks) head.restoreBlock(block);
    head.endRestore({ publishedThrough: 1, staged: [2] });
    head.admit(3);
    head.requestMining();
    const { blockNumber } = head.mine();
    head.persisted(2);
    head.persisted(blockNumber);
    expect(head.outboxItem("publish_latest")).toMatchObject({
      due: head.now + head.rules.writeLandsWithinSeconds * 1_000,
      item: { blockNumber },
    });
  });
});
