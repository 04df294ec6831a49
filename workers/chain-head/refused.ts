import type { PermanentReason } from "../../shared/errors.ts";
import { addTo, readFact, writeFact } from "./facts.ts";
import type { Sql } from "./schema.ts";
import type { Refusal } from "./set-aside.ts";

/**
 * A refused submission is a transaction that its user signed, that breaks a rule of the chain and that nobody paid for. No
 * operator has to act: its submitter reads its fate, its pending object is deleted, and its row is deleted in the end.
 *
 * The row must outlive every copy of the submission: a copy that came later would be admitted, and perhaps mined, after its
 * submitter was told otherwise. Queues keep a message for 4 days, dead-letter queues for 14, and the door takes a submission
 * for at most a day (`SUBMISSION_WINDOW_SECONDS`).
 */
export const FORGET_REFUSED_AFTER_MS = 30 * 86_400_000;

/** Rows that one alarm deletes. */
const FORGET_AT_ONCE = 500;

/** A transaction that somebody paid for is never final: an operator has to refund it, or have it mined. */
export function isFinal(sql: Sql, { txId, isUsers }: Refusal): boolean {
  if (isUsers !== true) return false;
  return (
    sql.exec("SELECT 1 FROM intent WHERE tx_id = ? AND paid_by IS NOT NULL", txId).toArray().length === 0
  );
}

/** Part of the decision that sets it aside. Nothing is left to be parked. */
export function refuse(sql: Sql, { txId, reason }: Refusal, now: number): void {
  sql.exec("UPDATE tx SET parked = 1, forget_at = ? WHERE id = ?", now + FORGET_REFUSED_AFTER_MS, txId);
  const known = refusals(sql);
  writeFact(sql, "refused", { ...known, [reason]: (known[reason] ?? 0) + 1 });
}

/** Makes a refused submission an operator's after all: its payment has arrived, or it is being erased. */
export function keepRefused(sql: Sql, txId: string): void {
  const [refused] = sql.exec("SELECT 1 FROM tx WHERE id = ? AND forget_at IS NOT NULL", txId).toArray();
  if (refused === undefined) return;
  sql.exec("UPDATE tx SET parked = 0, forget_at = NULL WHERE id = ?", txId);
  addTo(sql, "setAside", 1);
}

/** When the first refused submission is to be forgotten, milliseconds since the epoch. */
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

/** How many submissions of users were ever refused, by reason. */
export function refusals(sql: Sql): Partial<Record<PermanentReason, number>> {
  return readFact(sql, "refused") ?? {};
}
