import type { Transaction } from "../../../shared/chain/transaction.ts";

/** The whole chain's transactions by their ids. */
export type Mined = ReadonlyMap<string, { readonly blockNumber: number; readonly transaction: Transaction }>;
