import type { TransactionState } from "../../../shared/chain/states.ts";
import type { PendingDetails } from "../../../shared/storage/pending.ts";
import { findIntent, stateOf } from "../reads/intents.ts";
import { UNRELEASED_INTENT, type Sql } from "../storage/schema.ts";
import { keepRefused } from "./refused.ts";

/** A submission in `intents/` of a type that needs a payment. */
export interface Intent extends Pick<PendingDetails, "timestamp" | "size" | "grants" | "needs"> {
  readonly txId: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * `paid`: the submission can be released, or enqueued by a caller that holds its bytes. A transaction's state: it is admitted.
 */
export type IntentState = "awaiting_payment" | "expired" | "paid" | TransactionState;

/**
 * Registers submissions whose bytes are in `intents/`, and answers in their order where each stands. An expired submission stays
 * expired until it is paid.
 */
export function awaitPayment(sql: Sql, intents: readonly Intent[]): readonly IntentState[] {
  return intents.map((intent) => {
    const state = stateOf(sql, intent.txId);
    if (state !== undefined) return state;
    const known = findIntent(sql, intent.txId);
    const isPaid = known !== undefined && known.paid_by !== null;
    if (known !== undefined && known.expired_at !== null && !isPaid) return "expired";
    if (known === undefined || known.received_at === null) register(sql, intent);
    return isPaid ? "paid" : "awaiting_payment";
  });
}

function register(sql: Sql, { txId, timestamp, size, grants, needs, receivedAt }: Intent): void {
  sql.exec(
    `INSERT INTO intent (tx_id, timestamp, size, grants, needs, received_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (tx_id) DO UPDATE SET timestamp = excluded.timestamp, size = excluded.size, grants = excluded.grants,
     needs = excluded.needs, received_at = excluded.received_at`,
    txId,
    timestamp,
    size,
    grants ?? null,
    needs ?? null,
    receivedAt,
  );
  noteOwed(sql, txId);
}

/**
 * Notes a payment for a submission, within the decision that admits the payment. A paid submission can't expire. Only the first
 * payment pays for a submission; a further one is a payment and nothing else. An expired submission must be submitted again,
 * because its bytes may be gone.
 */
export function notePayment(sql: Sql, paidBy: string, pays: string): void {
  sql.exec(
    `INSERT INTO intent (tx_id, paid_by, admitted, needs) VALUES (?, ?, EXISTS (SELECT 1 FROM tx WHERE id = ?), NULL)
     ON CONFLICT (tx_id) DO UPDATE SET paid_by = coalesce(paid_by, excluded.paid_by),
     received_at = CASE WHEN paid_by IS NULL AND expired_at IS NOT NULL THEN NULL ELSE received_at END`,
    pays,
    paidBy,
    pays,
  );
  sql.exec("UPDATE tx SET paid = 1 WHERE id = ?", pays);
  noteOwed(sql, pays);
  keepRefused(sql, pays);
}

/**
 * Marks a submission as admitted, within the decision that admits it. If it did not need a payment after all, it stops waiting
 * for one.
 */
export function noteAdmitted(sql: Sql, txId: string): void {
  sql.exec(
    `UPDATE intent SET admitted = 1, received_at = CASE WHEN paid_by IS NULL THEN NULL ELSE received_at END
     WHERE tx_id = ? AND admitted = 0`,
    txId,
  );
}

/** Notes that the bytes of a paid submission are not in `intents/`, so that it is accepted when it is submitted again. */
export function intentMissing(sql: Sql, txId: string): void {
  sql.exec(`UPDATE intent SET received_at = NULL WHERE tx_id = ? AND ${UNRELEASED_INTENT}`, txId);
}

/** Notes since when the submission has been both received and paid. Called after it was registered or its payment noted. */
function noteOwed(sql: Sql, txId: string): void {
  sql.exec(
    `UPDATE intent SET owed_since =
     max(received_at, coalesce((SELECT admitted_at FROM tx WHERE id = paid_by), received_at))
     WHERE tx_id = ? AND paid_by IS NOT NULL`,
    txId,
  );
}
