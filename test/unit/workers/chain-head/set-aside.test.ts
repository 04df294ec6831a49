import { describe, expect, it } from "vitest";
import { parked } from "../../../../workers/chain-head/decisions/set-aside.ts";
import { parkAgain, parkNextAgain } from "../../../../workers/chain-head/outbox/requeue.ts";
import { sealedFrom, TestHead, txId } from "../../../support/chain/chain-head.ts";

function reservedWith(...numbers: number[]) {
  const head = new TestHead().begun();
  head.admit(...numbers);
  head.requestMining();
  return { head, reservation: head.reserved() };
}

describe("a transaction that can't be mined", () => {
  it("leaves the reservation, which is revised, and stays known with its reason", () => {
    const { head, reservation } = reservedWith(1, 2, 3);
    const revised = head.setAside(2, 2, "invalid_transaction");
    expect(revised).toEqual({
      ...reservation,
      revision: expect.any(Number),
      transactions: [txId(1), txId(3)],
    });
    expect("revision" in revised && revised.revision).toBeGreaterThan(reservation.revision);
    expect(head.reserve()).toEqual(revised);
    expect(head.transaction(2)).toMatchObject({
      state: "set_aside",
      reason: "invalid_transaction",
      block: null,
    });
    expect(head.failures()).toEqual([
      {
        txId: txId(2),
        blockNumber: 2,
        reason: "invalid_transaction",
        error: "invalid_transaction in a test",
        at: head.now,
        parked: false,
      },
    ]);
    expect(head.counts()).toMatchObject({ pending: 2, setAside: 1 });
    expect(head.block(2)?.transactionCount).toBe(2);
  });

  it("is set aside once: a repeat answers the same and keeps the first reason", () => {
    const { head } = reservedWith(1, 2);
    const revised = head.setAside(2, 1, "undecryptable");
    expect(head.setAside(2, 1, "missing")).toEqual(revised);
    expect(head.transaction(1)?.reason).toBe("undecryptable");
    expect(head.counts()).toMatchObject({ pending: 1, setAside: 1 });
  });

  it("is parked again when the queue that was to bring it there is known to be empty; what was erased is not", () => {
    const { head } = reservedWith(1, 2, 3);
    for (const n of [1, 2]) {
      head.setAside(2, n, "undecryptable");
      parked(head.sql, txId(n), head.now);
    }
    head.sql.look("UPDATE tx SET reason = 'erased' WHERE id = ?", txId(2));
    parkAgain(head.sql);
    parkNextAgain(head.sql);
    const left = head.failures().map(({ txId, parked }) => ({ txId, parked }));
    expect(left.toSorted((a, b) => Number(a.parked) - Number(b.parked))).toEqual([
      { txId: txId(1), parked: false },
      { txId: txId(2), parked: true },
    ]);
  });

  it("is never mined afterwards", () => {
    const { head } = reservedWith(1, 2);
    head.setAside(2, 1);
    head.seal(head.reserved());
    expect(head.blockTransactions(2)).toEqual([txId(2)]);
    head.requestMining();
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
  });

  it("is only one of that reservation: a stranger changes nothing", () => {
    const { head, reservation } = reservedWith(1, 2);
    head.admit(3);
    expect(head.setAside(2, 3)).toEqual(reservation);
    expect(head.setAside(2, 0)).toEqual(reservation); // mined in block 1
    expect(head.setAside(2, 99)).toEqual(reservation);
    expect(head.counts()).toMatchObject({ pending: 3, setAside: 0 });
    expect(head.transaction(3)?.state).toBe("pending");
    expect(head.transaction(0)?.state).toBe("mined");
  });

  it("can't be taken out of a sealed block", () => {
    const { head, reservation } = reservedWith(1, 2);
    head.seal(reservation);
    expect(head.setAside(2, 1)).toEqual({ none: "changed" });
    expect(head.transaction(1)).toMatchObject({ state: "mined", block: { blockNumber: 2 } });
    expect(head.counts()).toMatchObject({ setAside: 0, mined: 3 });
  });

  it("dissolves the reservation when nothing is left, and the number is used by the next", () => {
    const { head, reservation } = reservedWith(1);
    expect(head.setAside(2, 1)).toEqual({ none: "dissolved" });
    expect(head.setAside(2, 1)).toEqual({ none: "changed" });
    expect(head.block(2)).toBeNull();
    expect(head.reserve()).toEqual({ none: "nothing_approved" });
    head.admit(2);
    head.requestMining();
    expect(head.reserved()).toMatchObject({
      blockNumber: 2,
      previousHash: reservation.previousHash,
      transactions: [txId(2)],
    });
  });

  it("has the miner told at once of the approved transactions behind a dissolved reservation", () => {
    const head = new TestHead({ blockMaxTransactions: 1 }).begun();
    head.admit(1, 2, 3);
    head.requestMining();
    head.reserved();
    head.pass(1);
    head.sql.look("UPDATE fact SET value = ? WHERE name = 'mineNudgeAt'", head.now + 120_000); // the miner was told already
    head.refuse(2, 1);
    expect(head.outboxItem("requeue_miner")?.due).toBe(head.now);
    head.reserved();
    head.pass(1);
    head.sql.look("UPDATE fact SET value = ? WHERE name = 'mineNudgeAt'", head.now + 120_000);
    head.withdraw(2);
    expect(head.outboxItem("requeue_miner")?.due).toBe(head.now);
  });

  it("leaves no room for a block that was built before the reservation was dissolved", () => {
    const { head, reservation: dissolved } = reservedWith(1);
    head.setAside(2, 1);
    head.admit(2);
    head.requestMining();
    const next = head.reserved();
    expect(head.seal(dissolved)).toEqual({ stale: true });
    expect(head.transaction(2)?.state).toBe("reserved");
    expect(head.seal(next)).toMatchObject({ won: true, hash: sealedFrom(next).hash });
  });
});
