import type { Reservation } from "../../shared/chain/reservation.ts";
import type { PermanentReason } from "../../shared/errors.ts";
import { findBlock } from "./blocks.ts";
import { addTo, nextOf } from "./facts.ts";
import { reservationOf } from "./reserve.ts";
import type { Sql } from "./schema.ts";

/**
 * Takes a transaction that can't be mined out of the open reservation. It stays known with its reason, and the alarm
 * parks it in the dead-letter store. Answers the revised reservation, or null when nothing is left in it.
 */
export function setAside(
  sql: Sql,
  chainId: string,
  request: { blockNumber: number; txId: string; reason: PermanentReason; error: string },
  now: number,
): Reservation | null {
  const { blockNumber, txId, reason, error } = request;
  const block = findBlock(sql, blockNumber);
  if (block?.state !== "reserved") return null; // sealed or dissolved meanwhile: the caller asks for a reservation anew
  const [tx] = sql
    .exec<{ id: string }>(
      "SELECT id FROM tx WHERE id = ? AND block = ? AND state = 'reserved'",
      txId,
      blockNumber,
    )
    .toArray();
  if (tx !== undefined) {
    sql.exec(
      "UPDATE tx SET state = 'set_aside', block = NULL, reason = ?, error = ?, set_aside_at = ?, set_aside_from = ? WHERE id = ?",
      reason,
      error,
      now,
      blockNumber,
      txId,
    );
    sql.exec(
      "UPDATE block SET revision = ?, transactions = transactions - 1, nudged_at = ? WHERE number = ?",
      nextOf(sql, "revision"),
      now,
      blockNumber,
    );
    addTo(sql, "pending", -1);
    addTo(sql, "setAside", 1);
  }
  const revised = findBlock(sql, blockNumber);
  if (revised === undefined || (revised.transactions === 0 && blockNumber > 0)) {
    sql.exec("DELETE FROM block WHERE number = ?", blockNumber); // unsealed, so the number was never used
    return null;
  }
  return reservationOf(sql, chainId, revised);
}

/** The dead-letter store has been told of this failure, and of no later one. */
export function parked(sql: Sql, txId: string, at: number): void {
  sql.exec("UPDATE tx SET parked = 1 WHERE id = ? AND set_aside_at = ?", txId, at);
}
