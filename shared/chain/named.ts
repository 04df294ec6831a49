import type { Transaction, TxId } from "./transaction.ts";

/** Ids of the earlier transactions that a refund, or the failure of a refund, names. */
export function namedBy({ type, data }: Transaction): TxId[] {
  if (type === "refund") return present([data.refunds]);
  if (type === "refund_failure") return present([data.failed, data.refunds]);
  return [];
}

/**
 * Replaces each name that the chain does not hold by `null`, because a block names no transaction outside the chain. Id
 * and commitment stay: they are not derived from the names.
 */
export function namingOnly(transaction: Transaction, isHeld: (txId: TxId) => boolean): Transaction {
  const held = (txId: TxId | null) => (txId !== null && isHeld(txId) ? txId : null);
  if (transaction.type === "refund")
    return { ...transaction, data: { refunds: held(transaction.data.refunds) } };
  if (transaction.type === "refund_failure") {
    const { failed, refunds } = transaction.data;
    return { ...transaction, data: { failed: held(failed), refunds: held(refunds) } };
  }
  return transaction;
}

function present(names: readonly (TxId | null)[]): TxId[] {
  return names.filter((name) => name !== null);
}
