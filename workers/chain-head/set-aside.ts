import type { Reservation } from "../../shared/chain/reservation.ts";
import type { PermanentReason } from "../../shared/errors.ts";
import { findBlock } from "./blocks.ts";
import { addTo, nextOf, writeFact } from "./facts.ts";
import { lifeOf } from "./life.ts";
import { isFinal, refuse } from "./refused.ts";
import { reservationOf } from "./reserve.ts";
import type { Sql } from "./schema.ts";

/** A transaction that can't be mined, and why. */
export interface Refusal {
  readonly txId: string;
  readonly reason: PermanentReason;
  readonly error: string;
  /** A user signed it and it breaks a rule of the chain, so only its submitter has to know. */
  readonly isUsers?: boolean;
}

/** `life` and `revision`: of the reservation that the transactions were judged in. */
export interface SetAsideRequest {
  readonly life: string;
  readonly blockNumber: number;
  readonly revision: number;
  readonly refused: readonly Refusal[];
}

/**
 * `dissolved`: no transaction is left in it, so the next reservation takes its number. `changed`: it was sealed, revised or
 * dissolved by another call, or belongs to an earlier life.
 */
export type NotRevised = { readonly none: "dissolved" | "changed" };

/**
 * Takes transactions that can't be mined out of the open reservation. They stay known with their reasons. The alarm parks
 * them in the dead-letter store, but for a user's refused submission: `refused.ts`. Only from the revision that they were
 * judged in: among other transactions the same one may be good. The alarm tells the miner to go on behind a dissolved
 * reservation.
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
      nextOf(sql, "revision"),
      taken.length,
      now,
      blockNumber,
    );
    addTo(sql, "pending", -taken.length);
    addTo(sql, "setAside", taken.length - final.length);
  }
  const revised = findBlock(sql, blockNumber);
  if (revised === undefined || (revised.transactions === 0 && blockNumber > 0)) {
    sql.exec("DELETE FROM block WHERE number = ?", blockNumber); // unsealed, so the number was never used
    writeFact(sql, "mineNudgeAt", now);
    return { none: "dissolved" };
  }
  return reservationOf(sql, chainId, revised);
}

/** Whether it was one of the block's. */
function takeOut(sql: Sql, blockNumber: number, { txId, reason, error }: Refusal, now: number): boolean {
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
 * Notes that the envelope in `set-aside/` counts from now on, also when the transaction is replayed. Decided together with
 * every readmission: a transaction that is not set aside any more keeps the envelope that it has in `pending/`.
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

/** The dead-letter store has been told of this failure, and of no later one. */
export function parked(sql: Sql, txId: string, at: number): void {
  sql.exec("UPDATE tx SET parked = 1 WHERE id = ? AND set_aside_at = ?", txId, at);
}
