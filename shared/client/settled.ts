import type { TransactionStatus } from "../api/transactions.ts";

/** The final states of a transaction: in a block, or never in one. */
export type Settled = Extract<TransactionStatus, { state: (typeof SETTLED)[number] }>;

const SETTLED = ["mined", "set_aside", "expired"] as const;

export function isSettled(status: TransactionStatus): status is Settled {
  return (SETTLED as readonly string[]).includes(status.state);
}
