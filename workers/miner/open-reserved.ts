import { ledgerKeysOf } from "../../shared/chain/ledger.ts";
import type { LedgerChanges, Reservation } from "../../shared/chain/reservation.ts";
import type { Transaction } from "../../shared/chain/transaction.ts";
import { chainHead } from "../../shared/objects/chain-head.ts";
import type { Keyring } from "../../shared/crypto/keyring.ts";
import { Permanent } from "../../shared/runtime/errors.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { settleConnections } from "../../shared/storage/limits.ts";
import type { NotRevised } from "../chain-head/decisions/set-aside.ts";
import type { Env } from "./env.ts";
import { applyRules, type Refused } from "./apply-rules.ts";
import { nameHeld } from "./name-held.ts";
import { openPending } from "./open-pending.ts";

interface OpenedReservation {
  readonly reservation: Reservation;
  readonly transactions: readonly Transaction[];
  readonly changes: LedgerChanges;
}

/**
 * Opens every pending object of the reservation and applies the rules across transactions, in the block's order. A transaction
 * that can never be mined, or breaks a rule here, is set aside with its reason. A read error stops everything and is retried,
 * because unknown is not "missing".
 */
export async function openReserved(
  reservation: Reservation,
  keyring: Keyring,
  env: Env,
  log: Log,
): Promise<OpenedReservation | NotRevised> {
  const { life, blockNumber, revision } = reservation;
  const { opened, unfit } = await openAll(reservation, keyring, env);
  const applied = applyRules(blockNumber, opened, await chainHead(env).ledger(ledgerKeysOf(opened)));
  if (applied === undefined) return { none: "changed" };
  const { changes } = applied;
  const transactions = await nameHeld(applied.kept, env);
  const refused = [...unfit, ...applied.refused];
  if (refused.length === 0) return { reservation, transactions, changes };

  for (const { txId, error } of refused)
    log.warn("transaction.set_aside", { txId, blockNumber, reason: error.reason });
  const revised = await chainHead(env).setAside({
    life,
    blockNumber,
    revision,
    refused: refused.map(({ txId, isUsers, error: { reason, message } }) => ({
      txId,
      reason,
      error: message,
      isUsers,
    })),
  });
  return "none" in revised ? revised : { reservation: revised, transactions, changes };
}

async function openAll(
  { transactions: txIds, moved }: Reservation,
  keyring: Keyring,
  env: Env,
): Promise<{ opened: Transaction[]; unfit: Refused[] }> {
  const outcomes = await settleConnections(txIds, (txId) =>
    openPending(txId, moved.includes(txId), keyring, env),
  );
  const opened: Transaction[] = [];
  const unfit: Refused[] = [];
  for (const [i, txId] of txIds.entries()) {
    const outcome = outcomes[i];
    if (outcome?.status === "fulfilled") opened.push(outcome.value);
    else if (outcome?.reason instanceof Permanent)
      unfit.push({ txId, error: outcome.reason, isUsers: false });
    else throw outcome?.reason ?? new Error(`${txId} was not read`);
  }
  return { opened, unfit };
}
