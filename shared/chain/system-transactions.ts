import type { Block } from "./block.ts";
import { txIdOf, type Transaction, type TxId } from "./transaction.ts";

/**
 * Types that the system makes itself, in the order in which a block holds them at its front. Each occurs at most once.
 */
const SYSTEM_TYPES = ["genesis", "key_rotation", "key_revocation"] as const;

/** `id`: the id is not derived from its source · `place`: the transaction is not where its type belongs. */
export type SystemFault = "id" | "place";

export function isSystems({ type }: Pick<Transaction, "type">): boolean {
  return rankOf(type) !== -1;
}

/** Counts the system's own transactions at the front of the block. */
export function systemTransactions({ transactions }: Pick<Block, "transactions">): number {
  const first = transactions.findIndex((transaction) => !isSystems(transaction));
  return first === -1 ? transactions.length : first;
}

/** Id of a transaction that the system makes; `undefined` for all other types. docs/format.md, section 4.2. */
export function systemTxId(
  chainId: string,
  transaction: Pick<Transaction, "type" | "data">,
): TxId | undefined {
  const { type, data } = transaction as Transaction;
  switch (type) {
    case "genesis":
      return txIdOf({ source: type, chainId });
    case "key_rotation":
      return txIdOf({ source: type, chainId, keyId: data.keyId });
    case "key_revocation":
      return txIdOf({ source: type, chainId, keyId: data.keyId, fromBlock: data.fromBlock });
    default:
      return undefined;
  }
}

type Placed = Pick<Block, "chainId" | "blockNumber" | "transactions">;

/**
 * Finds the first transaction that is wrong as far as the block alone shows. The system's transactions have the ids of
 * their sources and stand at the block's front; genesis stands in block 0 only. docs/format.md, section 5.2.
 */
export function systemFault({
  chainId,
  blockNumber,
  transactions,
}: Placed): { readonly txId: string; readonly fault: SystemFault } | undefined {
  for (const [i, transaction] of transactions.entries()) {
    const { id: txId, type } = transaction;
    if ((type === "genesis") !== (blockNumber === 0)) return { txId, fault: "place" };
    if (!isSystems(transaction)) continue;
    const before = transactions[i - 1];
    const isInOrder = before === undefined || (isSystems(before) && rankOf(before.type) < rankOf(type));
    if (!isInOrder) return { txId, fault: "place" };
    if (systemTxId(chainId, transaction) !== txId) return { txId, fault: "id" };
  }
  return undefined;
}

function rankOf(type: Transaction["type"]): number {
  return SYSTEM_TYPES.findIndex((system) => system === type);
}
