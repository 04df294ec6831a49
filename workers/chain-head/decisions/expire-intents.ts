import type { ChainRules } from "../../../shared/chain/rules.ts";
import { expiryOf } from "../reads/intents.ts";
import { getValue } from "../storage/key-values.ts";
import { EXPIRED_INTENT, UNPAID_INTENT, type Sql } from "../storage/schema.ts";
import { isGenesisAllowed } from "./genesis-guard.ts";

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
