import type { Transaction, TxId } from "./transaction.ts";

/** Ids of the transactions that a refund, or its failure, says it is of. */
export function namedBy({ type, data }: Transaction): TxId[] {
  if (type === "refund") return present([data.refunds]);
  if (type === "refund_failure") return present([data.failed, data.refunds]);
  return [];
}

/**
 * The transaction with `null` for each name that is not held: a block names no transaction that is not in the chain. Its id
 * and its commitment stay, for they derive from other things.
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
