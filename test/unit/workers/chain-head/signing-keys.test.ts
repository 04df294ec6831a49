import { beforeEach, describe, expect, it } from "vitest";
import type { KeyRevocation } from "../../../../shared/chain/transaction.ts";
import { requestRevocation } from "../../../../workers/chain-head/decisions/signing-keys.ts";
import { KEY, TestHead } from "../../../support/chain/chain-head.ts";

const NEXT = { keyId: "b".repeat(64), algorithm: "ML-DSA-44", publicKey: "second" } as const;

let head: TestHead;
/** Makes blocks 0 to 2. The last one announces `NEXT`. */
beforeEach(() => {
  head = new TestHead().begun();
  head.admit(1);
  head.requestMining();
  head.seal(head.reserved(), { announces: [NEXT], systemTransactions: 1 });
});

function mined(n: number, members: Parameters<TestHead["seal"]>[1]) {
  head.admit(n);
  head.requestMining();
  return head.seal(head.reserved(), members);
}

const revoked = (members: Partial<KeyRevocation> = {}): KeyRevocation => ({
  keyId: KEY.keyId,
  fromBlock: 1,
  reason: "stolen",
  ...members,
});
const asked = (members: Partial<KeyRevocation> = {}) =>
  head.sql.transaction(() => requestRevocation(head.sql, revoked(members), head.now));

describe("the signing keys", () => {
  it("follow each other: the new one signs, and each has the blocks that it may sign and did", () => {
    mined(2, { keyId: NEXT.keyId });
    expect(head.head().signingKeys).toMatchObject([
      { keyId: KEY.keyId, announcedIn: 0, retiredIn: 2, firstBlock: 0, lastBlock: 2 },
      { keyId: NEXT.keyId, announcedIn: 2, retiredIn: null, firstBlock: 3, lastBlock: 3 },
    ]);
  });

  it("take no block of a retired or an unknown key: nothing is sealed", () => {
    head.admit(2);
    head.requestMining();
    const reservation = head.reserved();
    expect(reservation.announcedKeyIds).toEqual([KEY.keyId, NEXT.keyId]);
    for (const keyId of [KEY.keyId, "c".repeat(64)])
      expect(() => head.seal(reservation, { keyId })).toThrow(/the chain's signing key is b/);
    expect(head.block(3)?.state).toBe("reserved");
    expect(head.seal(reservation, { keyId: NEXT.keyId })).toMatchObject({ won: true });
  });

  it("are announced once: a key does not come back", () => {
    expect(() => mined(2, { keyId: NEXT.keyId, announces: [KEY] })).toThrow(/UNIQUE/);
    expect(head.block(3)?.state).toBe("reserved");
  });
});

describe("a revocation", () => {
  it("is stated by the next block, though nothing else waits, and asked again the answer names that block", () => {
    expect(asked()).toEqual({ blockNumber: null, reason: "stolen" });
    expect(asked({ reason: "again" })).toEqual({ blockNumber: null, reason: "stolen" });
    expect(head.status().miningOwedSince).toBe(head.now);
    const reservation = head.reserved();
    expect(reservation).toMatchObject({ blockNumber: 3, transactions: [], revocation: revoked() });
    head.seal(reservation, { keyId: NEXT.keyId, revokes: [revoked()], systemTransactions: 1 });
    expect(asked()).toEqual({ blockNumber: 3, reason: "stolen" });
    expect(head.status().miningOwedSince).toBeNull();
    expect(head.head().signingKeys[0]?.revocation).toEqual({
      fromBlock: 1,
      reason: "stolen",
      blockNumber: 3,
    });
    expect(head.reserve()).toMatchObject({ none: "nothing_approved" });
  });

  it("has the miner told, at once and again until a block states it", () => {
    asked();
    expect(head.outboxItem("requeue_miner")).toMatchObject({ due: head.now });
    head.seal(head.reserved(), { keyId: NEXT.keyId, revokes: [revoked()], systemTransactions: 1 });
    expect(head.outboxItem("requeue_miner")).toBeUndefined();
  });

  it("waits for the next block when the one that is being made was built without it", () => {
    head.admit(2);
    head.requestMining();
    const early = head.reserved();
    asked();
    head.seal(early, { keyId: NEXT.keyId });
    expect(head.reserved()).toMatchObject({ blockNumber: 4, revocation: revoked() });
  });

  it("is refused for the present key, an unknown one, a block to come, and while another of the key waits", () => {
    expect(asked({ keyId: NEXT.keyId })).toEqual({ refused: "present_key" });
    expect(asked({ keyId: "c".repeat(64) })).toEqual({ refused: "unknown_key" });
    expect(asked({ fromBlock: 4 })).toEqual({ refused: "future" });
    asked();
    expect(asked({ fromBlock: 0 })).toEqual({ refused: "another_waits" });
  });

  it("can only widen one that stands: from an earlier block on", () => {
    asked();
    head.seal(head.reserved(), { keyId: NEXT.keyId, revokes: [revoked()], systemTransactions: 1 });
    expect(asked({ fromBlock: 2 })).toEqual({ refused: "not_earlier" });
    expect(asked({ fromBlock: 0 })).toEqual({ blockNumber: null, reason: "stolen" });
    head.seal(head.reserved(), {
      keyId: NEXT.keyId,
      revokes: [revoked({ fromBlock: 0 })],
      systemTransactions: 1,
    });
    expect(head.head().signingKeys[0]?.revocation).toMatchObject({ fromBlock: 0, blockNumber: 4 });
  });

  it("is not sealed where no verifier would take it", () => {
    for (const wrong of [{ keyId: NEXT.keyId }, { keyId: "c".repeat(64) }, { fromBlock: 9 }])
      expect(() => mined(2, { keyId: NEXT.keyId, revokes: [revoked(wrong)] })).toThrow(
        /block 3 revokes a key/,
      );
    expect(head.head().signingKeys[0]?.revocation).toBeNull();
  });
});
