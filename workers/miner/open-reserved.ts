import type { Reservation } from "../../shared/chain/reservation.ts";
import type { Transaction } from "../../shared/chain/transaction.ts";
import { chainHead } from "../../shared/chain-head.ts";
import type { Keyring } from "../../shared/crypto/keyring.ts";
import { Permanent } from "../../shared/errors.ts";
import type { Log } from "../../shared/log.ts";
import { settleConnections } from "../../shared/storage/limits.ts";
import type { Env } from "./env.ts";
import { openPending } from "./open-pending.ts";

export interface OpenedReservation {
  readonly reservation: Reservation;
  readonly transactions: readonly Transaction[];
}

/**
 * Opens every pending object of the reservation. One that can never be mined is set aside with its reason; a read
 * error stops it all and is retried, for unknown is not "missing". `undefined`: nothing is left to be mined.
 */
export async function openReserved(
  reservation: Reservation,
  keyring: Keyring,
  env: Env,
  log: Log,
): Promise<OpenedReservation | undefined> {
  const outcomes = await settleConnections(reservation.transactions, (txId) =>
    openPending(txId, keyring, env),
  );
  const opened = new Map<string, Transaction>();
  const refused: { txId: string; error: Permanent }[] = [];
  for (const [i, txId] of reservation.transactions.entries()) {
    const outcome = outcomes[i];
    if (outcome?.status === "fulfilled") opened.set(txId, outcome.value);
    else if (outcome?.reason instanceof Permanent) refused.push({ txId, error: outcome.reason });
    else throw outcome?.reason ?? new Error(`${txId} was not read`);
  }

  let revised: Reservation | null = reservation;
  for (const { txId, error } of refused) {
    log.warn("transaction.set_aside", { txId, blockNumber: reservation.blockNumber, reason: error.reason });
    revised = await chainHead(env).setAside({
      blockNumber: reservation.blockNumber,
      txId,
      reason: error.reason,
      error: error.message,
    });
  }
  if (revised === null) return undefined;
  const transactions = revised.transactions.map((txId) => opened.get(txId));
  if (!transactions.every((transaction) => transaction !== undefined)) return undefined; // changed by another miner
  return { reservation: revised, transactions };
}
