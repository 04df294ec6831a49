import type { Reservation } from "../../../shared/chain/reservation.ts";
import type { PermanentReason } from "../../../shared/runtime/errors.ts";
import { findBlock } from "../reads/blocks.ts";
import { addToCount, nextCount, setValue } from "../storage/key-values.ts";
import { lifeOf } from "./life.ts";
import { isFinal, refuse } from "./refused.ts";
import { reservationOf } from "./reserve.ts";
import type { Sql } from "../storage/schema.ts";

/** A transaction that can't be mined, with the reason. */
export interface RefusedTransaction {
  readonly txId: string;
  readonly reason: PermanentReason;
  readonly error: string;
  /** A user signed the transaction and it breaks a rule of the chain, so only its submitter has to know. */
  readonly isUsers?: boolean;
}

/** `life` and `revision` are those of the reservation in which the miner checked the transactions. */
export interface SetAsideRequest {
  readonly life: string;
  readonly blockNumber: number;
  readonly revision: number;
  readonly refused: readonly RefusedTransaction[];
}

/**
 * `dissolved`: no transaction is left in the reservation, so the next one takes its number. `changed`: another call sealed,
 * revised or dissolved the reservation, or it belongs to an earlier life.
 */
export type NotRevised = { readonly none: "dissolved" | "changed" };

/**
 * Takes transactions that can't be mined out of the open reservation. They stay known with their reasons. The alarm parks them in
 * the dead-letter store, except a user's refused submission: `refused.ts`. The revision must be the one in which the miner checked
 * them: among other transactions the same one may be valid. After a reservation is dissolved, the alarm enqueues the miner.
 */
export function setAside(
  sql: Sql,
  chainId: string,
  request: SetAsideRequest,
  now: number,
): Reservation | NotRevised {
  const { life, blockNumber, revision, refused } = request;
  const block = findBlock(sql, blockNumber);
  if (life !== lifeOf(sql) || block?.state !== "reserved" || block.revision !== revision)
    return { none: "changed" };
  const taken = refused.filter((refusal) => takeOut(sql, blockNumber, refusal, now));
  const final = taken.filter((refusal) => isFinal(sql, refusal));
  for (const refusal of final) refuse(sql, refusal, now);
  if (taken.length > 0) {
    sql.exec(
      "UPDATE block SET revision = ?, transactions = transactions - ?, nudged_at = ? WHERE number = ?",
      nextCount(sql, "revision"),
      taken.length,
      now,
      blockNumber,
    );
    addToCount(sql, "pending", -taken.length);
    addToCount(sql, "setAside", taken.length - final.length);
  }
  const revised = findBlock(sql, blockNumber);
  if (revised === undefined || (revised.transactions === 0 && blockNumber > 0)) {
    sql.exec("DELETE FROM block WHERE number = ?", blockNumber); // it is not sealed, so its number was never used
    setValue(sql, "mineNudgeAt", now);
    return { none: "dissolved" };
  }
  return reservationOf(sql, chainId, revised);
}

/** Takes one transaction out of a reservation, and returns whether it was in there. */
function takeOut(
  sql: Sql,
  blockNumber: number,
  { txId, reason, error }: RefusedTransaction,
  now: number,
): boolean {
  const found = sql
    .exec("SELECT id FROM tx WHERE id = ? AND block = ? AND state = 'reserved'", txId, blockNumber)
    .toArray();
  sql.exec(
    `UPDATE tx SET state = 'set_aside', block = NULL, reason = ?, error = ?, set_aside_at = ?, set_aside_from = ?
     WHERE id = ? AND block = ? AND state = 'reserved'`,
    reason,
    error,
    now,
    blockNumber,
    txId,
    blockNumber,
  );
  return found.length > 0;
}

/**
 * Notes that the envelope in `set-aside/` is the valid one from now on, also when the transaction is replayed. The chain head
 * makes this decision and each readmission one after the other: a transaction that is not set aside when this runs keeps its
 * envelope in `pending/`.
 * @returns ids of the transactions whose object in `pending/` may be deleted
 */
export function noteMoved(sql: Sql, txIds: readonly string[]): readonly string[] {
  return sql
    .exec<{ id: string }>(
      "UPDATE tx SET moved = 1 WHERE id IN (SELECT value FROM json_each(?)) AND +state = 'set_aside' RETURNING id",
      JSON.stringify(txIds),
    )
    .toArray()
    .map(({ id }) => id);
}

/** Notes that the dead-letter queue has taken this failure. A later failure of the same transaction stays unparked. */
export function parked(sql: Sql, txId: string, at: number): void {
  sql.exec("UPDATE tx SET parked = 1 WHERE id = ? AND set_aside_at = ?", txId, at);
}
