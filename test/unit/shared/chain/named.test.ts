import { describe, expect, it } from "vitest";
import { namedBy, namingOnly } from "../../../../shared/chain/named.ts";
import type { Transaction } from "../../../../shared/chain/transaction.ts";
import { txId, TestHead } from "../../../support/chain/chain-head.ts";

const common = { id: txId(9), timestamp: 1, privateCommitment: "a".repeat(64), signatures: {} };
const refund: Transaction = { ...common, type: "refund", data: { refunds: txId(1) } };
const failure: Transaction = {
  ...common,
  type: "refund_failure",
  data: { failed: txId(2), refunds: txId(1) },
};
const payment: Transaction = { ...common, type: "payment", data: { pays: txId(1) } };

const nothing = () => false;

describe("the transactions that a refund names", () => {
  it("are its purchase, and the refund that failed", () => {
    expect(namedBy(refund)).toEqual([txId(1)]);
    expect(namedBy(failure)).toEqual([txId(2), txId(1)]);
    expect(namedBy({ ...common, type: "refund", data: { refunds: null } })).toEqual([]);
    expect(namedBy(payment)).toEqual([]);
  });

  it("are left out, each for itself, where they are not held; nothing else changes", () => {
    expect(namingOnly(refund, nothing)).toEqual({ ...refund, data: { refunds: null } });
    expect(namingOnly(refund, () => true)).toEqual(refund);
    expect(namingOnly(failure, (name) => name === txId(1))).toEqual({
      ...failure,
      data: { failed: null, refunds: txId(1) },
    });
    expect(namingOnly(payment, nothing)).toEqual(payment);
  });

  it("are held once their block is sealed, also by a chain head that was restored from it", () => {
    const head = new TestHead().begun();
    head.admit(1, 2);
    const among = () => head.minedAmong(1, 2, 3);
    expect(among()).toEqual([]);
    head.requestMining();
    head.reserve();
    expect(among()).toEqual([]);
    head.mineAll();
    expect(among()).toEqual([txId(1), txId(2)]);
  });
});
