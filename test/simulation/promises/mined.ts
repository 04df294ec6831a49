import type { Transaction } from "../../../shared/chain/transaction.ts";

/** All transactions of the chain, by id. */
export type Mined = ReadonlyMap<string, { readonly blockNumber: number; readonly transaction: Transaction }>;
