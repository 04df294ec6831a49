import { FORGET_EXPIRED_AFTER_MS } from "../../../../workers/chain-head/decisions/expire-intents.ts";
import { describe, expect, it } from "vitest";
import type { RestoredBlock } from "../../../../shared/chain/reservation.ts";
import { UNPAID_INTENT, UNRELEASED_INTENT } from "../../../../workers/chain-head/storage/schema.ts";
import { RULES, sealedFrom, TestHead, txId } from "../../../support/chain/chain-head.ts";

const TTL = RULES.intentTtlSeconds;
const SUBMISSION = 100;

const paidFor = (n: number, pays = SUBMISSION) => ({ n, pays });

describe("a submission that has to be paid", () => {
  it("waits, is paid, is to be released, and is admitted", () => {
    const head = new TestHead().begun();
    expect(head.intent(SUBMISSION)).toBeNull();
    expect(head.receive(SUBMISSION)).toBe("awaiting_payment");
    const expiresAt = head.now + TTL * 1_000;
    expect(head.intent(SUBMISSION)).toEqual({ state: "awaiting_payment", since: head.now, expiresAt });
    expect(head.counts()).toMatchObject({ awaitingPayment: 1, paidUnreleased: 0, pending: 0 });
    expect(head.paidIntents()).toEqual([]);

    head.pass(60);
    expect(head.admit(paidFor(1))).toMatchObject({ results: ["admitted"], releaseNow: true });
    expect(head.intent(SUBMISSION)).toMatchObject({ state: "paid" });
    expect(head.counts()).toMatchObject({ awaitingPayment: 0, paidUnreleased: 1, pending: 1 });
    expect(head.paidIntents()).toEqual([{ txId: txId(SUBMISSION), timestamp: SUBMISSION, size: 500 }]);
    expect(head.status().releaseOwedSince).toBe(head.now);

    expect(head.admit(SUBMISSION)).toMatchObject({ results: ["admitted"], releaseNow: false });
    expect(head.intent(SUBMISSION)).toBeNull();
    expect(head.transaction(SUBMISSION)).toMatchObject({ state: "pending" });
    expect(head.counts()).toMatchObject({ awaitingPayment: 0, paidUnreleased: 0, pending: 2 });
    expect(head.status().releaseOwedSince).toBeNull();
  });

  it("is paid at once when the payment was there before", () => {
    const head = new TestHead().begun();
    expect(head.admit(paidFor(1)).releaseNow).toBe(false);
    expect(head.intent(SUBMISSION)).toEqual({ state: "awaiting_submission" });
    expect(head.counts()).toMatchObject({ awaitingPayment: 0, paidUnreleased: 0 });
    head.pass(60);
    expect(head.receive(SUBMISSION)).toBe("paid");
    expect(head.paidIntents()).toHaveLength(1);
    expect(head.status().releaseOwedSince).toBe(head.now);
  });

  it("stands where it stood when it comes again: nothing is registered twice, and its time does not begin anew", () => {
    const head = new TestHead().begun();
    head.receive(SUBMISSION);
    const first = head.intent(SUBMISSION);
    head.pass(3_600);
    expect(head.receive(SUBMISSION)).toBe("awaiting_payment");
    expect(head.intent(SUBMISSION)).toEqual(first);
    head.admit(paidFor(1));
    expect(head.receive(SUBMISSION)).toBe("paid");
    head.admit(SUBMISSION);
    expect(head.receive(SUBMISSION)).toBe("pending");
    head.mineAll();
    expect(head.receive(SUBMISSION)).toBe("mined");
    expect(head.paidIntents()).toEqual([]);
  });

  it("is paid once, by the first of its payments, however often each is admitted; all of them are payments", () => {
    const head = new TestHead().begun();
    head.receive(SUBMISSION);
    head.admit(paidFor(1), paidFor(2));
    head.admit(paidFor(2), paidFor(1));
    head.admit(SUBMISSION);
    head.admit(paidFor(3));
    expect(head.sql.look("SELECT paid_by, admitted FROM intent")).toEqual([
      { paid_by: txId(1), admitted: 1 },
    ]);
    head.mineAll();
    expect(head.counts()).toMatchObject({ mined: 5, paidUnreleased: 0 });
  });

  it("has paid also with a payment that was set aside: it was received", () => {
    const head = new TestHead().begun();
    head.admit(paidFor(1));
    head.requestMining();
    head.setAside(head.reserved().blockNumber, 1);
    expect(head.receive(SUBMISSION)).toBe("paid");
  });

  it("waits no more when it is admitted without a payment: its type is free of charge by now", () => {
    const head = new TestHead().begun();
    head.receive(SUBMISSION);
    head.admit(SUBMISSION);
    head.pass(TTL + 1);
    head.expireIntents();
    expect(head.counts()).toMatchObject({ awaitingPayment: 0, paidUnreleased: 0 });
    expect(head.receive(SUBMISSION)).toBe("pending");
    head.admit(paidFor(1));
    expect(head.paidIntents()).toEqual([]);
  });

  it("can be submitted again when its bytes are gone before it was released, and not after", () => {
    const head = new TestHead().begun();
    head.receive(SUBMISSION);
    head.intentMissing(txId(SUBMISSION));
    expect(head.intent(SUBMISSION), "an unpaid one is looked for by nobody").toMatchObject({
      state: "awaiting_payment",
    });
    head.admit(paidFor(1));
    head.intentMissing(txId(SUBMISSION));
    expect(head.intent(SUBMISSION)).toEqual({ state: "awaiting_submission" });
    expect(head.paidIntents()).toEqual([]);
    head.admit(SUBMISSION);
    head.intentMissing(txId(SUBMISSION));
    expect(head.transaction(SUBMISSION)).toMatchObject({ state: "pending" });
  });

  it("is told of page by page, in an order that releases don't change", () => {
    const head = new TestHead().begun();
    for (let n = 1; n <= 5; n++) {
      head.receive(200 + n);
      head.admit(paidFor(n, 200 + n));
    }
    const first = head.paidIntents("", 2).map((paid) => paid.txId);
    expect(first).toEqual([txId(201), txId(202)]);
    head.admit(201);
    expect(head.paidIntents(first[1], 2).map((paid) => paid.txId)).toEqual([txId(203), txId(204)]);
  });
});

describe("a payment that names a submission", () => {
  it("is a payment and nothing else when nobody submits what it names, or the named type is free", () => {
    const head = new TestHead().begun();
    head.admit(SUBMISSION);
    expect(head.admit(paidFor(1), paidFor(2, 300)).results).toEqual(["admitted", "admitted"]);
    expect(head.counts()).toMatchObject({ pending: 3, awaitingPayment: 0, paidUnreleased: 0 });
    expect(head.paidIntents()).toEqual([]);
    head.pass(10 * TTL);
    expect(head.outboxItem("expire_intents")).toBeUndefined();
    expect(head.intent(300)).toEqual({ state: "awaiting_submission" });
  });
});

describe("an unpaid submission", () => {
  it("expires when its time is over, with a trace, and not before", () => {
    const head = new TestHead().begun();
    head.receive(SUBMISSION);
    head.pass(5);
    head.receive(SUBMISSION + 1);
    expect(head.outboxItem("expire_intents")?.due).toBe(head.now - 5_000 + TTL * 1_000);
    head.pass(TTL - 5);
    head.expireIntents();
    expect(head.intent(SUBMISSION)).toEqual({ state: "expired", expiredAt: head.now });
    expect(head.intent(SUBMISSION + 1)).toMatchObject({ state: "awaiting_payment" });
    expect(head.counts()).toMatchObject({ awaitingPayment: 1 });
    const { expiredAt } = head.intent(SUBMISSION) as { expiredAt: number };
    head.pass(TTL);
    head.expireIntents();
    expect(head.intent(SUBMISSION)).toEqual({ state: "expired", expiredAt });
    expect(head.receive(SUBMISSION)).toBe("expired");
    expect(head.outboxItem("expire_intents")).toBeUndefined();
  });

  it("is forgotten a month after it expired, so that nobody can fill the chain head with what is never paid", () => {
    const head = new TestHead().begun();
    for (let n = 0; n < 700; n++) head.receive(1_000 + n);
    head.pass(TTL);
    while (head.outboxItem("expire_intents")) head.expireIntents();
    head.admit(paidFor(1, 1_000));
    expect(head.outboxItem("forget")?.due).toBe(head.now + FORGET_EXPIRED_AFTER_MS);
    head.pass(FORGET_EXPIRED_AFTER_MS / 1_000 - 1);
    head.forgetExpired();
    expect(head.intent(1_001)).toMatchObject({ state: "expired" });
    head.pass(1);
    const left: unknown[] = [];
    while (head.outboxItem("forget")) {
      head.forgetExpired();
      left.push(...head.sql.look("SELECT count(*) AS n FROM intent"));
    }
    expect(left).toEqual([{ n: 200 }, { n: 1 }]);
    expect(head.intent(1_000), "it is paid").toEqual({ state: "awaiting_submission" });
    expect(head.intent(1_001)).toBeNull();
    head.admit(paidFor(2, 1_001));
    expect(head.intent(1_001), "a payment that names it is kept").toEqual({ state: "awaiting_submission" });
  });

  it("expires with at most so many others at a time, until none is left", () => {
    const head = new TestHead().begun();
    for (let n = 0; n < 1_200; n++) head.receive(1_000 + n);
    head.pass(TTL);
    const left: number[] = [];
    while (head.outboxItem("expire_intents")) {
      head.expireIntents();
      left.push(head.counts().awaitingPayment);
    }
    expect(left).toEqual([700, 200, 0]);
  });

  it("does not expire when it is paid after its time, but before anybody looked: nothing that is paid ever expires", () => {
    const head = new TestHead().begun();
    head.receive(SUBMISSION);
    head.pass(TTL + 3_600);
    head.admit(paidFor(1));
    expect(head.outboxItem("expire_intents")).toBeUndefined();
    head.expireIntents();
    head.pass(100 * TTL);
    head.expireIntents();
    expect(head.intent(SUBMISSION)).toMatchObject({ state: "paid" });
    expect(head.paidIntents()).toHaveLength(1);
  });

  it("has to be submitted again when it is paid after it expired, and is taken then", () => {
    const head = new TestHead().begun();
    head.receive(SUBMISSION);
    head.pass(TTL);
    head.expireIntents();
    expect(head.admit(paidFor(1)).releaseNow).toBe(false);
    expect(head.intent(SUBMISSION)).toEqual({ state: "awaiting_submission" });
    expect(head.paidIntents()).toEqual([]);
    head.pass(100 * TTL);
    head.expireIntents();
    head.admit(paidFor(1), paidFor(2));
    expect(head.intent(SUBMISSION)).toEqual({ state: "awaiting_submission" });
    head.admit(SUBMISSION);
    expect(head.transaction(SUBMISSION)).toMatchObject({ state: "pending" });
  });

  it("is released when it is paid after it expired, but before its bytes were deleted", () => {
    const head = new TestHead().begun();
    head.receive(SUBMISSION);
    head.pass(TTL);
    head.expireIntents();
    head.admit(paidFor(1));
    expect(head.receive(SUBMISSION, head.now - TTL * 1_000), "the sweep has found them").toBe("paid");
    expect(head.paidIntents()).toHaveLength(1);
  });
});

/** Returns genesis and a block for each arrival, as a restore reads them from storage. */
function chainOf(...arrivals: readonly { n: number; pays?: number }[]): RestoredBlock[] {
  const head = new TestHead({ blockMaxTransactions: 1 });
  head.admit(...arrivals);
  head.requestMining();
  return Array.from({ length: arrivals.length + 1 }, (_, number) => {
    const reservation = head.reserved();
    const sealed = sealedFrom(reservation);
    head.seal(reservation);
    head.finish(number);
    const { n, pays } = arrivals[number - 1] ?? {};
    return {
      ...sealed,
      ...reservation,
      transactions: n === undefined ? [] : [{ txId: txId(n), timestamp: n, size: 500, position: 0 }],
      pays: n === undefined || pays === undefined ? [] : [{ txId: txId(n), pays: txId(pays) }],
    };
  });
}

describe("a chain head that has lost its storage", () => {
  const LOST = { archive: true, kv: true };

  it("knows again what the payments in its blocks have paid, whatever the sweep told it before or after", () => {
    for (const sweptFirst of [true, false]) {
      const head = new TestHead({}, LOST);
      if (sweptFirst) expect(head.receive(SUBMISSION, head.now - 1_000)).toBe("awaiting_payment");
      head.beginRestore();
      for (const block of chainOf(paidFor(1))) head.restoreBlock(block);
      head.endRestore({ publishedThrough: 1, staged: [] });
      if (!sweptFirst) expect(head.receive(SUBMISSION, head.now - 1_000)).toBe("paid");
      expect(head.paidIntents()).toHaveLength(1);
    }
  });

  it("releases nothing that its blocks already hold", () => {
    const head = new TestHead({}, LOST);
    head.receive(SUBMISSION);
    head.beginRestore();
    for (const block of chainOf(paidFor(1), { n: SUBMISSION })) head.restoreBlock(block);
    head.endRestore({ publishedThrough: 2, staged: [] });
    expect(head.paidIntents()).toEqual([]);
    expect(head.receive(SUBMISSION)).toBe("mined");
    expect(head.counts()).toMatchObject({ awaitingPayment: 0, paidUnreleased: 0 });
  });

  it("lets nothing expire before it is restored, and gives everything its whole time again", () => {
    const head = new TestHead({}, LOST);
    head.receive(SUBMISSION, head.now - 2 * TTL * 1_000);
    head.resume(); // an operator who resumes without restoring
    expect(head.outboxItem("expire_intents")).toBeUndefined();
    head.expireIntents();
    head.beginRestore();
    const [genesis, ...blocks] = chainOf(paidFor(1));
    head.restoreBlock(genesis as RestoredBlock);
    expect(
      head.outboxItem("expire_intents"),
      "its payment may be in a block that is still to come",
    ).toBeUndefined();
    head.expireIntents();
    for (const block of blocks) head.restoreBlock(block);
    head.receive(SUBMISSION + 1, head.now - 2 * TTL * 1_000);
    head.endRestore({ publishedThrough: 1, staged: [] });
    head.expireIntents();
    expect(head.intent(SUBMISSION)).toMatchObject({ state: "paid" });
    expect(head.intent(SUBMISSION + 1)).toMatchObject({
      state: "awaiting_payment",
      expiresAt: head.now + TTL * 1_000,
    });
    head.pass(TTL);
    head.expireIntents();
    expect(head.intent(SUBMISSION + 1)).toMatchObject({ state: "expired" });
  });

  it("knows again of payments that wait in pending/, from what the sweep says of them", () => {
    const head = new TestHead().begun();
    head.admit(1);
    expect(head.admit(paidFor(1)).results).toEqual(["waiting"]);
    expect(head.intent(SUBMISSION)).toEqual({ state: "awaiting_submission" });
  });
});

describe("the counts of submissions", () => {
  it("are those of the rows, whatever happens to them", () => {
    const head = new TestHead({ intentTtlSeconds: 100 }).begun();
    const counted = () => {
      const [rows] = head.sql.look(
        `SELECT coalesce(sum(${UNPAID_INTENT}), 0) AS awaitingPayment, coalesce(sum(${UNRELEASED_INTENT}), 0) AS paidUnreleased FROM intent`,
      );
      expect(head.counts()).toMatchObject({ ...(rows as object) });
      return head.counts();
    };
    for (let n = 1; n <= 6; n++) head.receive(n);
    expect(counted()).toMatchObject({ awaitingPayment: 6, paidUnreleased: 0 });
    head.admit({ n: 101, pays: 1 }, { n: 102, pays: 2 }, { n: 103, pays: 3 }, { n: 199, pays: 99 });
    expect(counted()).toMatchObject({ awaitingPayment: 3, paidUnreleased: 3 });
    head.admit(1, 4);
    head.intentMissing(txId(2));
    expect(counted()).toMatchObject({ awaitingPayment: 2, paidUnreleased: 1 });
    head.pass(200);
    head.expireIntents();
    expect(counted()).toMatchObject({ awaitingPayment: 0, paidUnreleased: 1 });
    head.receive(2);
    head.admit({ n: 105, pays: 5 });
    head.receive(5);
    expect(counted()).toMatchObject({ awaitingPayment: 0, paidUnreleased: 3 });
  });
});
