import { ledgerKeysOf, type Ledger, type LedgerFault } from "./ledger.ts";
import type { LedgerChanges } from "./reservation.ts";
import type { Transaction } from "./transaction.ts";

interface BrokenRule {
  readonly transaction: Transaction;
  readonly fault: LedgerFault;
}

/**
 * Applies the transactions in their order. A transaction that breaks a rule changes nothing, and the later ones are
 * checked without it.
 */
export function applyInOrder(
  ledger: Ledger,
  transactions: readonly Transaction[],
): { readonly kept: readonly Transaction[]; readonly broken: readonly BrokenRule[] } {
  const kept: Transaction[] = [];
  const broken: BrokenRule[] = [];
  for (const transaction of transactions) {
    const fault = ledger.apply(transaction);
    if (fault === undefined) kept.push(transaction);
    else broken.push({ transaction, fault });
  }
  return { kept, broken };
}

/**
 * Computes the ledger changes of a block with these transactions.
 * @param ledger after every one of these transactions was applied to it without a fault
 */
export function changesOf(transactions: readonly Transaction[], ledger: Ledger): LedgerChanges {
  const { assets, users } = ledger.entries(ledgerKeysOf(transactions));
  const creations = new Map<string, string>();
  for (const { id, type, data } of transactions)
    if (type === "asset_creation") creations.set(data.assetId, id);
  return {
    assets: assets.map(({ assetId, owner }) => ({
      assetId,
      owner,
      createdBy: creations.get(assetId) ?? null,
    })),
    users,
  };
}
