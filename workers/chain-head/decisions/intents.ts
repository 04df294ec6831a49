import type { ChainRules } from "../../../shared/chain/rules.ts";
import type { TransactionState } from "../../../shared/chain/states.ts";
import type { Entry } from "./admit.ts";
import { getValue } from "../storage/key-values.ts";
import { isGenesisAllowed } from "./genesis-guard.ts";
import { keepRefused } from "./refused.ts";
import { EXPIRED_INTENT, UNPAID_INTENT, UNRELEASED_INTENT, type Sql } from "../storage/schema.ts";

/** A submission in `intents/` of a type that needs a payment. */
export interface Intent extends Pick<Entry, "txId" | "timestamp" | "size" | "grants" | "needs"> {
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * `paid`: the submission can be released, or enqueued by a caller that holds its bytes. A transaction's state: it is admitted.
 */
export type IntentState = "awaiting_payment" | "expired" | "paid" | TransactionState;

/**
 * State of a submission that is not admitted, or of a payment whose submission is not. Times are milliseconds since the epoch.
 */
export type IntentFacts =
  | { readonly state: "awaiting_payment"; readonly since: number; readonly expiresAt: number }
  | { readonly state: "expired"; readonly expiredAt: number }
  | { readonly state: "paid"; readonly since: number }
  | { readonly state: "awaiting_submission" };

type IntentRow = {
  timestamp: number | null;
  received_at: number | null;
  expired_at: number | null;
  paid_by: string | null;
};

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

/** Lists submissions that are received and paid but not admitted: ordered by id, those after `after`. */
export function paidIntents(
  sql: Sql,
  after: string,
  limit: number,
): readonly Pick<Entry, "txId" | "timestamp" | "size" | "grants" | "needs">[] {
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

/** Notes that the bytes of a paid submission are not in `intents/`, so that it is accepted when it is submitted again. */
export function intentMissing(sql: Sql, txId: string): void {
  sql.exec(`UPDATE intent SET received_at = NULL WHERE tx_id = ? AND ${UNRELEASED_INTENT}`, txId);
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
function expiryOf(sql: Sql, receivedAt: number, { intentTtlSeconds }: ChainRules): number {
  return Math.max(receivedAt, getValue(sql, "founded") ?? 0) + intentTtlSeconds * 1_000;
}

/**
 * Returns when the first unpaid submission expires. Returns `undefined` when none can: a chain head that has not got its chain
 * back does not know the payments.
 */
export function nextExpiry(sql: Sql, rules: ChainRules): number | undefined {
  const [oldest] = sql
    .exec<{ received_at: number }>(
      `SELECT received_at FROM intent WHERE ${UNPAID_INTENT} ORDER BY received_at LIMIT 1`,
    )
    .toArray();
  if (oldest === undefined || !isGenesisAllowed(sql) || getValue(sql, "restoring") !== undefined)
    return undefined;
  return expiryOf(sql, oldest.received_at, rules);
}

const EXPIRE_AT_ONCE = 500;

/** Expires unpaid submissions. Only this function does it. The row stays for `FORGET_EXPIRED_AFTER_MS` as a trace. */
export function expireIntents(sql: Sql, rules: ChainRules, now: number): void {
  const next = nextExpiry(sql, rules);
  if (next === undefined || next > now) return;
  const expired = sql
    .exec<{ tx_id: string }>(
      `SELECT tx_id FROM intent WHERE ${UNPAID_INTENT} AND received_at <= ? ORDER BY received_at LIMIT ?`,
      now - rules.intentTtlSeconds * 1_000,
      EXPIRE_AT_ONCE,
    )
    .toArray();
  sql.exec(
    "UPDATE intent SET expired_at = ? WHERE tx_id IN (SELECT value FROM json_each(?))",
    now,
    JSON.stringify(expired.map(({ tx_id }) => tx_id)),
  );
}

/**
 * The row of an expired submission stays for this long, so that its submitter can read its state. The gateway accepts a
 * submission for at most a day (`SUBMISSION_WINDOW_SECONDS`), so no copy of it is accepted after that. A payment that names it
 * later makes a new row.
 */
export const FORGET_EXPIRED_AFTER_MS = 30 * 86_400_000;

/** Returns when the row of the first expired submission must be deleted, in milliseconds since the epoch. */
export function nextForgottenIntent(sql: Sql): number | undefined {
  const [first] = sql
    .exec<{ expired_at: number }>(
      `SELECT expired_at FROM intent WHERE ${EXPIRED_INTENT} ORDER BY expired_at LIMIT 1`,
    )
    .toArray();
  return first && first.expired_at + FORGET_EXPIRED_AFTER_MS;
}

export function forgetExpired(sql: Sql, now: number): void {
  sql.exec(
    `DELETE FROM intent WHERE tx_id IN
     (SELECT tx_id FROM intent WHERE ${EXPIRED_INTENT} AND expired_at <= ? ORDER BY expired_at LIMIT ?)`,
    now - FORGET_EXPIRED_AFTER_MS,
    EXPIRE_AT_ONCE,
  );
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

/** Notes since when the submission has been both received and paid. Called after it was registered or its payment noted. */
function noteOwed(sql: Sql, txId: string): void {
  sql.exec(
    `UPDATE intent SET owed_since =
     max(received_at, coalesce((SELECT admitted_at FROM tx WHERE id = paid_by), received_at))
     WHERE tx_id = ? AND paid_by IS NOT NULL`,
    txId,
  );
}

function findIntent(sql: Sql, txId: string): IntentRow | undefined {
  return sql
    .exec<IntentRow>("SELECT timestamp, received_at, expired_at, paid_by FROM intent WHERE tx_id = ?", txId)
    .toArray()[0];
}

function stateOf(sql: Sql, txId: string): TransactionState | undefined {
  return sql.exec<{ state: TransactionState }>("SELECT state FROM tx WHERE id = ?", txId).toArray()[0]?.state;
}
