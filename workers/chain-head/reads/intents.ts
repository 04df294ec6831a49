import type { ChainRules } from "../../../shared/chain/rules.ts";
import type { TransactionState } from "../../../shared/chain/states.ts";
import { getValue } from "../storage/key-values.ts";
import { UNRELEASED_INTENT, type Sql } from "../storage/schema.ts";

/**
 * State of a submission that is not admitted, or of a payment whose submission is not. Times are milliseconds since the epoch.
 */
export type IntentFacts =
  | { readonly state: "awaiting_payment"; readonly since: number; readonly expiresAt: number }
  | { readonly state: "expired"; readonly expiredAt: number }
  | { readonly state: "paid"; readonly since: number }
  | { readonly state: "awaiting_submission" };

export type IntentRow = {
  timestamp: number | null;
  received_at: number | null;
  expired_at: number | null;
  paid_by: string | null;
};

/** A submission that is received and paid but not admitted. */
export interface PaidIntent {
  readonly txId: string;
  readonly timestamp: number;
  readonly size: number;
  readonly grants?: string;
  readonly needs?: string;
}

/** Lists submissions that are received and paid but not admitted: ordered by id, those after `after`. */
export function paidIntents(sql: Sql, after: string, limit: number): readonly PaidIntent[] {
  return sql
    .exec<{ tx_id: string; timestamp: number; size: number; grants: string | null; needs: string | null }>(
      `SELECT tx_id, timestamp, size, grants, needs FROM intent WHERE ${UNRELEASED_INTENT} AND tx_id > ? ORDER BY tx_id LIMIT ?`,
      after,
      limit,
    )
    .toArray()
    .map(({ tx_id, timestamp, size, grants, needs }) => ({
      txId: tx_id,
      timestamp,
      size,
      ...(grants !== null && { grants }),
      ...(needs !== null && { needs }),
    }));
}

/** Decides whether a submission is received and paid but not admitted. */
export function hasPaidIntent(sql: Sql): boolean {
  return sql.exec(`SELECT tx_id FROM intent WHERE ${UNRELEASED_INTENT} LIMIT 1`).toArray().length > 0;
}

export function intent(sql: Sql, txId: string, rules: ChainRules): IntentFacts | null {
  const row = findIntent(sql, txId);
  if (row === undefined || stateOf(sql, txId) !== undefined) return null;
  const { received_at: since, expired_at: expiredAt, paid_by: paidBy } = row;
  if (paidBy !== null) return since === null ? { state: "awaiting_submission" } : { state: "paid", since };
  if (expiredAt !== null) return { state: "expired", expiredAt };
  if (since === null) return null;
  return { state: "awaiting_payment", since, expiresAt: expiryOf(sql, since, rules) };
}

/**
 * Returns when a submission expires. After a restore every submission gets its whole time again, because its payment may be on
 * its way to the chain head once more.
 */
export function expiryOf(sql: Sql, receivedAt: number, { intentTtlSeconds }: ChainRules): number {
  return Math.max(receivedAt, getValue(sql, "founded") ?? 0) + intentTtlSeconds * 1_000;
}

export interface IntentCounts {
  readonly awaitingPayment: number;
  /** Number of paid submissions that are not admitted. */
  readonly paidUnreleased: number;
}

/**
 * Returns the counts of submissions. Triggers of the schema keep them, so the cost does not grow with the number of waiting
 * submissions.
 */
export function intentCounts(sql: Sql): IntentCounts {
  const countOf = (name: string) =>
    sql.exec<{ intents: number }>("SELECT intents FROM counted WHERE name = ?", name).toArray()[0]?.intents ??
    0;
  return { awaitingPayment: countOf("unpaid"), paidUnreleased: countOf("unreleased") };
}

/** Since when the oldest paid submission that is not admitted has been both submitted and paid; null when there is none. */
export function releaseOwedSince(sql: Sql): number | null {
  const [row] = sql
    .exec<{ owed_since: number | null }>(
      `SELECT owed_since FROM intent WHERE ${UNRELEASED_INTENT} ORDER BY owed_since LIMIT 1`,
    )
    .toArray();
  return row?.owed_since ?? null;
}

export function findIntent(sql: Sql, txId: string): IntentRow | undefined {
  return sql
    .exec<IntentRow>("SELECT timestamp, received_at, expired_at, paid_by FROM intent WHERE tx_id = ?", txId)
    .toArray()[0];
}

export function stateOf(sql: Sql, txId: string): TransactionState | undefined {
  return sql.exec<{ state: TransactionState }>("SELECT state FROM tx WHERE id = ?", txId).toArray()[0]?.state;
}
