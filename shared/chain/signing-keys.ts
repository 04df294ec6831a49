import { InvalidBlock, type Block } from "./block.ts";
import type { SigningKey } from "./transaction.ts";

/**
 * The keys that genesis announces: it vouches for itself, so compare its hash with one known from elsewhere.
 * @throws InvalidBlock "wrong_place" when the block is not a genesis
 */
export function keysOfGenesis(block: Block): readonly SigningKey[] {
  const [first] = block.transactions;
  if (first?.type !== "genesis" || block.transactions.length !== 1 || first.data.chainId !== block.chainId)
    throw new InvalidBlock("wrong_place", "block 0 must hold its genesis transaction and nothing else");
  return first.data.signingKeys;
}

/** Keys that sign from the next block on. */
export function rotatedIn({ transactions }: Block): readonly SigningKey[] {
  return transactions.flatMap(({ type, data }) => (type === "key_rotation" ? [data] : []));
}

/** Transactions that the system itself put at the front of the block. */
export function systemTransactions({ transactions }: Block): number {
  const first = transactions.findIndex(({ type }) => type !== "genesis" && type !== "key_rotation");
  return first === -1 ? transactions.length : first;
}
