import type { PermanentReason } from "../../../shared/runtime/errors.ts";
import { addToCount, getValue, setValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";
import type { RefusedTransaction } from "./set-aside.ts";

/**
 * A refused submission is a transaction that its user signed, that breaks a rule of the chain and that is not paid for. An
 * operator does not have to act: the submitter reads its state, its pending object is deleted, and after this time its row is
 * deleted.
 *
 * The row must outlive every copy of the submission: a later copy would be admitted, and perhaps mined, after its submitter was
 * told otherwise. Queues keep a message for 4 days, dead-letter queues for 14, and the gateway accepts a submission for at most a
 * day (`SUBMISSION_WINDOW_SECONDS`).
 */
export const FORGET_REFUSED_AFTER_MS = 30 * 86_400_000;

/** Number of rows that one alarm deletes. */
const FORGET_AT_ONCE = 500;

/** Decides whether a refusal is final. A paid transaction is never final: an operator must refund it or have it mined. */
export function isFinal(sql: Sql, { txId, isUsers }: RefusedTransaction): boolean {
  if (isUsers !== true) return false;
  return (
    sql.exec("SELECT 1 FROM intent WHERE tx_id = ? AND paid_by IS NOT NULL", txId).toArray().length === 0
  );
}

/**
 * Counts a refused submission, within the decision that sets it aside. It is marked as parked, because nothing is left to park.
 */
export function refuse(sql: Sql, { txId, reason }: RefusedTransaction, now: number): void {
  sql.exec("UPDATE tx SET parked = 1, forget_at = ? WHERE id = ?", now + FORGET_REFUSED_AFTER_MS, txId);
  const known = refusals(sql);
  setValue(sql, "refused", { ...known, [reason]: (known[reason] ?? 0) + 1 });
}

/** Turns a refused submission into a set-aside transaction for an operator: its payment has arrived, or it is being erased. */
export function keepRefused(sql: Sql, txId: string): void {
  const [refused] = sql.exec("SELECT 1 FROM tx WHERE id = ? AND forget_at IS NOT NULL", txId).toArray();
  if (refused === undefined) return;
  sql.exec("UPDATE tx SET parked = 0, forget_at = NULL WHERE id = ?", txId);
  addToCount(sql, "setAside", 1);
}

/** Returns when the row of the first refused submission must be deleted, in milliseconds since the epoch. */
export function nextForgotten(sql: Sql): number | undefined {
  const [next] = sql
    .exec<{ forget_at: number }>(
      "SELECT forget_at FROM tx WHERE forget_at IS NOT NULL ORDER BY forget_at LIMIT 1",
    )
    .toArray();
  return next?.forget_at;
}

export function forgetRefused(sql: Sql, now: number): void {
  sql.exec(
    "DELETE FROM tx WHERE id IN (SELECT id FROM tx WHERE forget_at <= ? ORDER BY forget_at LIMIT ?)",
    now,
    FORGET_AT_ONCE,
  );
}

/** Number of submissions of users that were ever refused, by reason. */
export function refusals(sql: Sql): Partial<Record<PermanentReason, number>> {
  return getValue(sql, "refused") ?? {};
}
