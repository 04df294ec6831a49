import { grantOf, needOf } from "../../../../shared/chain/grant.ts";
import { ledgerKeysOf } from "../../../../shared/chain/ledger.ts";
import type { LedgerChanges, Reservation, SealAnswer } from "../../../../shared/chain/reservation.ts";
import type { Transaction } from "../../../../shared/chain/transaction.ts";
import type { StaleReservation } from "../../../../workers/chain-head/decisions/seal.ts";
import { applyRules } from "../../../../workers/miner/apply-rules.ts";
import { sealedFrom, txId, type TestHead } from "../../../support/chain/chain-head.ts";

/** Stands in for a user's signing key. The rules only compare its id. */
export function keyOf(name: string): string {
  return Array.from(name, (char) => char.charCodeAt(0).toString(16).padStart(2, "0"))
    .join("")
    .padEnd(64, "0");
}

const contents = (n: number, signer: string | null) => ({
  id: txId(n),
  timestamp: n,
  signatures:
    signer === null
      ? {}
      : { user: { algorithm: "ML-DSA-44", keyId: keyOf(signer), publicKey: "key", signature: "made up" } },
});

/** `signer` null: a payment made the transaction. */
export function created(n: number, assetId: string, signer: string | null): Transaction {
  return { ...contents(n, signer), type: "asset_creation", data: { assetId } } as Transaction;
}

export function transferred(n: number, assetId: string, from: string, to: string): Transaction {
  const data = { assetId, newOwnerKeyId: keyOf(to) };
  return { ...contents(n, from), type: "asset_transfer", data } as Transaction;
}

export function registered(n: number, user: string, signer = user): Transaction {
  const data = {
    signingKey: { keyId: keyOf(user), algorithm: "ML-DSA-44", publicKey: "key" },
    encryptionKey: { keyId: keyOf(`${user}'s box`), algorithm: "ML-KEM-768", publicKey: "key" },
  };
  return { ...contents(n, signer), type: "user_registration", data } as Transaction;
}

/** A block that a miner has built and not yet handed in. */
export interface Built {
  readonly reservation: Reservation;
  readonly transactions: readonly Transaction[];
  readonly changes: LedgerChanges;
}

/** Does the miner's work on a reservation step by step, so that a test can put other calls in between. */
export class LedgerMiner {
  readonly #head: TestHead;
  readonly #opened = new Map<string, Transaction>();

  constructor(head: TestHead) {
    this.#head = head;
  }

  admit(...transactions: readonly Transaction[]): void {
    for (const transaction of transactions) this.#opened.set(transaction.id, transaction);
    this.#head.admit(
      ...transactions.map((transaction) => ({
        n: transaction.timestamp,
        grants: grantOf(transaction),
        needs: needOf(transaction),
      })),
    );
  }

  /**
   * Works like the miner's `openReserved`. Returns `undefined` if the reservation has changed or has no transaction
   * left.
   */
  judge(reservation: Reservation): Built | undefined {
    const { life, blockNumber, revision } = reservation;
    const opened = reservation.transactions.map((id) => this.transaction(id));
    const judged = applyRules(blockNumber, opened, this.#head.ledger(ledgerKeysOf(opened)));
    if (judged === undefined) return undefined;
    const { kept: transactions, changes } = judged;
    if (judged.refused.length === 0) return { reservation, transactions, changes };
    // Marks each refused transaction as paid, so that it stays known and an operator can replay it.
    const refused = judged.refused.map(({ txId: id, error }) => ({
      txId: id,
      reason: error.reason,
      error: error.message,
    }));
    const revised = this.#head.setAsideAll({ life, blockNumber, revision, refused });
    return "none" in revised ? undefined : { reservation: revised, transactions, changes };
  }

  seal({ reservation, changes }: Built, attempt: string): SealAnswer | StaleReservation {
    return this.#head.seal(reservation, { ...sealedFrom(reservation, attempt), ...changes });
  }

  /** Mines all pending transactions. */
  mineAll(): void {
    this.#head.requestMining();
    for (;;) {
      const reservation = this.#head.reserve();
      if ("none" in reservation) return;
      const judged = this.judge(reservation);
      if (judged === undefined) continue;
      this.seal(judged, "first");
      this.#head.finish(reservation.blockNumber);
    }
  }

  transaction(id: string): Transaction {
    const transaction = this.#opened.get(id);
    if (transaction === undefined) throw new Error(`${id} was never admitted`);
    return transaction;
  }
}
