import { namedBy, namingOnly } from "../../shared/chain/named.ts";
import type { Transaction } from "../../shared/chain/transaction.ts";
import { chainHead } from "../../shared/objects/chain-head.ts";
import type { Env } from "./env.ts";

/**
 * Removes references to transactions that neither this block nor an earlier one holds. Stripe's events do not tell whether a
 * refunded payment was ever taken.
 */
export async function nameHeld(
  transactions: readonly Transaction[],
  env: Env,
): Promise<readonly Transaction[]> {
  const here = new Set(transactions.map(({ id }) => id));
  const elsewhere = transactions.flatMap(namedBy).filter((txId) => !here.has(txId));
  if (elsewhere.length === 0) return transactions;
  const mined = new Set(await chainHead(env).minedAmong(elsewhere));
  return transactions.map((transaction) =>
    namingOnly(transaction, (txId) => here.has(txId) || mined.has(txId)),
  );
}
