import { describe, expect, it } from "vitest";
import { FORGET_REFUSED_AFTER_MS } from "../../../../workers/chain-head/decisions/refused.ts";
import { parkAgain } from "../../../../workers/chain-head/outbox/requeue.ts";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";

const GRANT = "9".repeat(64);

/** Makes a chain whose block 2 is reserved, with transaction 1, a signed submission, and transaction 2. */
function reserved(): TestHead {
  const head = new TestHead().begun();
  head.admit({ n: 1, grants: GRANT }, 2);
  head.requestMining();
  head.reserved();
  return head;
}

function refused(): TestHead {
  const head = reserved();
  head.refuse(2, 1);
  return head;
}

describe("a user's refused submission", () => {
  it("can be looked up with its reason, and is counted by reason", () => {
    const head = refused();
    expect(head.transaction(1)).toMatchObject({ state: "set_aside", reason: "not_owner", block: null });
    expect(head.counts()).toMatchObject({ pending: 1, setAside: 0, refused: 1 });
    expect(head.measures().refused).toEqual({ not_owner: 1 });
  });

  it("becomes no dead letter, also when all of them are parked again, and is no failure for an operator [T12]", () => {
    const head = refused();
    parkAgain(head.sql);
    expect(head.outboxItem("park")).toBeUndefined();
    expect(head.failures()).toEqual([]);
    expect(head.readmit(1)).toEqual(["refused"]);
    expect(head.knownStates([1], []).transactions).toEqual([
      { state: "set_aside", blockNumber: null, refused: true },
    ]);
  });

  it("is not admitted again, and its pending object is a leftover", () => {
    const head = refused();
    expect(head.admit(1).results).toEqual(["finished"]);
    expect(head.transaction(1)?.state).toBe("set_aside");
  });

  it("is forgotten by the alarm after its time, and not before [T12]", () => {
    const head = refused();
    expect(head.outboxItem("forget")?.due).toBe(head.now + FORGET_REFUSED_AFTER_MS);
    head.pass(FORGET_REFUSED_AFTER_MS / 1_000 - 1);
    head.forgetRefused();
    expect(head.transaction(1)?.state).toBe("set_aside");
    head.pass(1);
    head.forgetRefused();
    expect(head.transaction(1)).toBeNull();
    expect(head.outboxItem("forget")).toBeUndefined();
    expect(head.counts()).toMatchObject({ pending: 1, setAside: 0, refused: 1 });
  });

  it("is forgotten in portions, so that one alarm is bounded", () => {
    const head = new TestHead({ blockMaxTransactions: 600, blockMaxBytes: 1_000_000 }).begun();
    const numbers = Array.from({ length: 600 }, (_, i) => i + 1);
    head.admit(...numbers);
    head.requestMining();
    const { revision } = head.reserved();
    const all = numbers.map((n) => ({
      txId: txId(n),
      reason: "not_owner" as const,
      error: "a test",
      isUsers: true,
    }));
    expect(head.setAsideAll({ life: head.life, blockNumber: 2, revision, refused: all })).toEqual({
      none: "dissolved",
    });
    head.pass(FORGET_REFUSED_AFTER_MS / 1_000);
    head.forgetRefused();
    expect(head.sql.look("SELECT count(*) AS n FROM tx WHERE state = 'set_aside'")).toEqual([{ n: 100 }]);
    expect(head.outboxItem("forget")?.due).toBeLessThanOrEqual(head.now);
  });

  it("goes to an operator after all when its payment arrives", () => {
    const head = refused();
    head.admit({ n: 5, pays: 1 });
    expect(head.outboxItem("park")?.item).toMatchObject({
      transactions: [{ txId: txId(1), reason: "not_owner" }],
    });
    expect(head.outboxItem("forget")).toBeUndefined();
    expect(head.counts()).toMatchObject({ setAside: 1 });
  });

  it("is never forgotten once it was erased", () => {
    const head = refused();
    expect(head.erase(1)).toEqual({ may: "withdrawn" });
    head.pass(FORGET_REFUSED_AFTER_MS / 1_000);
    head.forgetRefused();
    expect(head.transaction(1)).toMatchObject({ state: "set_aside", reason: "erased" });
    expect(head.outboxItem("park")).toBeUndefined();
    expect(head.admit(1).results).toEqual(["finished"]);
  });
});

describe("a submission that was paid for", () => {
  it("is an operator's when it is refused: a dead letter, and not forgotten", () => {
    const head = new TestHead().begun();
    head.receive(1);
    head.admit({ n: 5, pays: 1 });
    head.admit(1);
    head.requestMining();
    head.reserved();
    head.refuse(2, 1);
    expect(head.outboxItem("park")?.item).toMatchObject({ transactions: [{ txId: txId(1) }] });
    expect(head.counts()).toMatchObject({ setAside: 1, refused: 0 });
    expect(head.outboxItem("forget")).toBeUndefined();
  });
});

describe("the outlook of a submission", () => {
  it("names a grant for as long as the transaction that makes it true is pending or reserved", () => {
    const head = new TestHead().begun();
    expect(head.outlook(9, {}, [GRANT]).pendingGrants).toEqual([]);
    head.admit({ n: 1, grants: GRANT });
    expect(head.outlook(9, {}, [GRANT, "8".repeat(64)]).pendingGrants).toEqual([GRANT]);
    head.requestMining();
    const reservation = head.reserved();
    expect(head.outlook(9, {}, [GRANT]).pendingGrants).toEqual([GRANT]);
    head.seal(reservation, { assets: [{ assetId: "deed", createdBy: txId(1), owner: "key" }] });
    expect(head.outlook(9, { assetIds: ["deed"] }, [GRANT])).toMatchObject({
      pendingGrants: [],
      assets: [{ assetId: "deed", owner: "key" }],
      transaction: null,
    });
  });

  it("names the grant of a transaction that was set aside from its replay on", () => {
    const head = reserved();
    head.setAside(2, 1);
    expect(head.outlook(9, {}, [GRANT]).pendingGrants).toEqual([]);
    head.park();
    head.readmit(1);
    expect(head.outlook(9, {}, [GRANT]).pendingGrants).toEqual([GRANT]);
  });

  it("names no grant of a transaction that was erased", () => {
    const head = reserved();
    head.withdraw(1);
    expect(head.outlook(9, {}, [GRANT]).pendingGrants).toEqual([]);
  });

  it("keeps the grant of a submission that waited for its payment", () => {
    const head = new TestHead().begun();
    head.awaitPayment([{ txId: txId(1), timestamp: 1, size: 500, grants: GRANT, receivedAt: head.now }]);
    head.admit({ n: 5, pays: 1 });
    expect(head.outlook(9, {}, [GRANT]).pendingGrants).toEqual([]);
    head.admitEntries(head.paidIntents().map((intent) => ({ ...intent, envelopeSize: 3_000 })));
    expect(head.outlook(9, {}, [GRANT]).pendingGrants).toEqual([GRANT]);
  });

  it.for([
    "SELECT 1 FROM tx WHERE grants = 'x' AND state IN ('pending', 'reserved') LIMIT 1",
    "SELECT forget_at FROM tx WHERE forget_at IS NOT NULL ORDER BY forget_at LIMIT 1",
    "SELECT id FROM tx WHERE forget_at <= 1 ORDER BY forget_at LIMIT 500",
    "SELECT id FROM tx WHERE state = 'set_aside' AND forget_at IS NULL ORDER BY set_aside_at DESC, id LIMIT 20",
  ])("is found in an index: %s", (query) => {
    const plan = new TestHead().sql.exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`).toArray();
    expect(plan.map(({ detail }) => detail).join("\n")).toMatch(/USING (COVERING )?INDEX tx_/);
  });
});
