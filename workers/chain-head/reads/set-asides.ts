import type { PermanentReason } from "../../../shared/runtime/errors.ts";
import type { Sql } from "../storage/schema.ts";

export interface SetAsideFacts {
  readonly txId: string;
  readonly blockNumber: number;
  readonly reason: PermanentReason;
  readonly error: string;
  readonly at: number;
  readonly parked: boolean;
}

/**
 * Lists set-aside transactions, the latest first. A user's refused submission is left out: an operator does not have to act on
 * it.
 */
export function failures(sql: Sql, limit: number): readonly SetAsideFacts[] {
  return setAsides(sql, "AND forget_at IS NULL ORDER BY set_aside_at DESC, id DESC LIMIT ?", limit);
}

/**
 * Lists set-aside transactions that the dead-letter store has not got yet, the oldest first. Every decision runs this query, so
 * the limit is part of the text: SQLite plans a statement anew whenever it binds a LIMIT, at ten times the cost of running it.
 */
export function unparked(sql: Sql, limit: number): readonly SetAsideFacts[] {
  return setAsides(sql, `AND parked = 0 ORDER BY set_aside_at, id LIMIT ${Math.trunc(limit)}`);
}

type SetAsideRow = {
  id: string;
  set_aside_from: number;
  reason: PermanentReason;
  error: string;
  set_aside_at: number;
  parked: number;
};

function setAsides(sql: Sql, which: string, ...bindings: number[]): SetAsideFacts[] {
  return sql
    .exec<SetAsideRow>(
      `SELECT id, set_aside_from, reason, error, set_aside_at, parked FROM tx WHERE state = 'set_aside' ${which}`,
      ...bindings,
    )
    .toArray()
    .map((row) => ({
      txId: row.id,
      blockNumber: row.set_aside_from,
      reason: row.reason,
      error: row.error,
      at: row.set_aside_at,
      parked: row.parked === 1,
    }));
}
