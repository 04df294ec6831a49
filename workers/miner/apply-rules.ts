import { applyInOrder, changesOf } from "../../shared/chain/ledger-changes.ts";
import { Ledger, LEDGER_FAULT_TEXTS } from "../../shared/chain/ledger.ts";
import type { LedgerChanges } from "../../shared/chain/reservation.ts";
import type { Transaction } from "../../shared/chain/transaction.ts";
import { Permanent } from "../../shared/runtime/errors.ts";
import type { LedgerState } from "../chain-head/decisions/ledger.ts";

export interface Refused {
  readonly txId: string;
  readonly error: Permanent;
  /** A user signed the transaction and it breaks a rule of the chain. */
  readonly isUsers: boolean;
}

interface Ruling {
  readonly kept: readonly Transaction[];
  readonly refused: readonly Refused[];
  /** Ledger changes made by a block of the transactions that are kept. */
  readonly changes: LedgerChanges;
}

/**
 * Applies the rules across transactions, in the order of the block. Returns `undefined` when the ledger is not that of the block
 * before: another miner has sealed this block meanwhile.
 */
export function applyRules(
  blockNumber: number,
  transactions: readonly Transaction[],
  { asOf, ...entries }: LedgerState,
): Ruling | undefined {
  if (asOf !== blockNumber - 1) return undefined;
  const ledger = new Ledger(entries);
  const { kept, broken } = applyInOrder(ledger, transactions);
  const refused = broken.map(({ transaction, fault }) => ({
    txId: transaction.id,
    error: new Permanent(fault, `it ${LEDGER_FAULT_TEXTS[fault]}`),
    isUsers: transaction.signatures.user !== undefined,
  }));
  return { kept, refused, changes: changesOf(kept, ledger) };
}
