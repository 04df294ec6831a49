import { describe, expect, it } from "vitest";
import { sealedFrom, TestHead, txId } from "../../../support/chain/chain-head.ts";

function reservedWith(...numbers: number[]) {
  const head = new TestHead().begun();
  head.admit(...numbers);
  head.requestMining();
  return { head, reservation: head.reserved() };
}

describe("seal", () => {
  it("takes the first block handed in, and gives the winner to every later one [T65]", () => {
    const { head, reservation } = reservedWith(1, 2);
    const first = sealedFrom(reservation, "first");
    const second = sealedFrom(reservation, "second");
    const winner = { hash: first.hash, sha256: first.sha256 };
    expect(head.seal(reservation, first)).toEqual({ won: true, ...winner });
    expect(head.seal(reservation, second)).toEqual({ won: false, ...winner });
    expect(head.seal(reservation, first)).toEqual({ won: true, ...winner }); // the same call again, after its answer was lost
    expect(head.block(2)).toMatchObject({ state: "sealed", ...winner });
    expect(head.counts()).toMatchObject({ mined: 3, pending: 2 });
  });

  it("gives the winner back at every later state of the block", () => {
    const { head, reservation } = reservedWith(1);
    const { hash, sha256 } = sealedFrom(reservation, "first");
    head.seal(reservation);
    for (const report of ["persisted", "indexed", "cleaned"] as const) {
      head[report](2);
      const late = head.seal(reservation, sealedFrom(reservation, "late"));
      expect(late).toEqual({ won: false, hash, sha256 });
    }
    expect(head.block(2)).toMatchObject({ state: "complete", hash });
  });

  it("refuses a block built before the reservation was revised", () => {
    const { head, reservation } = reservedWith(1, 2);
    head.setAside(2, 1);
    expect(head.seal(reservation)).toEqual({ stale: true });
    expect(head.block(2)).toMatchObject({ state: "reserved", hash: null });
    expect(head.seal(head.reserved())).toMatchObject({ won: true });
  });

  it("refuses another predecessor, and a number that nobody reserved", () => {
    const { head, reservation } = reservedWith(1);
    expect(head.seal({ ...reservation, previousHash: "f".repeat(64) })).toEqual({ stale: true });
    expect(head.seal({ ...reservation, blockNumber: 3 })).toEqual({ stale: true });
    expect(head.block(2)?.state).toBe("reserved");
    expect(head.block(3)).toBeNull();
  });

  it("gives each transaction its place in the block, behind those of the system", () => {
    const { head, reservation } = reservedWith(3, 1, 2);
    head.seal(reservation, { systemTransactions: 2 });
    expect([3, 1, 2].map((n) => head.transaction(n)?.block)).toEqual([
      { blockNumber: 2, index: 2, state: "sealed" },
      { blockNumber: 2, index: 3, state: "sealed" },
      { blockNumber: 2, index: 4, state: "sealed" },
    ]);
    expect(head.blockTransactions(2)).toEqual([3, 1, 2].map(txId));
    expect(head.block(2)?.transactionCount).toBe(5);
  });
});
