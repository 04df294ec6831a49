import type { TransactionState } from "../../../shared/chain/states.ts";
import { findBlock, lastBlock } from "../reads/blocks.ts";
import { addToCount, nextCount, stopWaiting, setValue } from "../storage/key-values.ts";
import { noteAdmitted } from "./intents.ts";
import type { Sql } from "../storage/schema.ts";

/** `mined`: a block has the transaction, so it can't be withdrawn; the archive of the block can be erased. */
export type Withdrawal = "withdrawn" | "mined";

/**
 * Takes transactions out of the pipeline for good, because R2 has a record that each was erased. The record may be older than
 * this life of the chain head, so the transaction may be in any state here; only a sealed block keeps it.
 */
export function withdraw(sql: Sql, txIds: readonly string[], now: number): readonly Withdrawal[] {
  return txIds.map((txId) => withdrawOne(sql, txId, now));
}

function withdrawOne(sql: Sql, txId: string, now: number): Withdrawal {
  const [known] = sql
    .exec<{ state: TransactionState; sequence: number; block: number | null }>(
      "SELECT state, sequence, block FROM tx WHERE id = ?",
      txId,
    )
    .toArray();
  if (known?.state === "mined") return "mined";
  if (known === undefined) insertErased(sql, txId, now);
  else {
    if (known.state === "pending") stopWaiting(sql, known.sequence);
    if (known.state === "reserved" && known.block !== null) leaveReservation(sql, known.block, now);
    if (known.state !== "set_aside") {
      addToCount(sql, "pending", -1);
      addToCount(sql, "setAside", 1);
    }
    sql.exec(
      `UPDATE tx SET state = 'set_aside', block = NULL, reason = 'erased', error = coalesce(error, 'it was erased'),
       set_aside_at = coalesce(set_aside_at, ?), set_aside_from = coalesce(set_aside_from, ?), parked = 1 WHERE id = ?`,
      now,
      known.block ?? nextNumber(sql),
      txId,
    );
  }
  noteAdmitted(sql, txId); // its submission, if it has one, is not released again
  return "withdrawn";
}

/**
 * Stores an erased transaction that the chain head never admitted, so that it never will be: a dead letter held it, or an earlier
 * life of the chain head knew it.
 */
export function insertErased(sql: Sql, txId: string, now: number): void {
  sql.exec(
    `INSERT INTO tx (id, sequence, timestamp, size, admitted_at, state, reason, error, set_aside_at, set_aside_from, parked, needs)
     VALUES (?, ?, ?, 0, ?, 'set_aside', 'erased', 'it was erased before it came here', ?, ?, 1, NULL)`,
    txId,
    nextCount(sql, "sequence"),
    now,
    now,
    now,
    nextNumber(sql),
  );
  addToCount(sql, "setAside", 1);
}

/** Takes the transaction out of a reservation. Bytes that a miner built with it are stale from here on. */
function leaveReservation(sql: Sql, blockNumber: number, now: number): void {
  sql.exec(
    "UPDATE block SET revision = ?, transactions = transactions - 1, nudged_at = ? WHERE number = ?",
    nextCount(sql, "revision"),
    now,
    blockNumber,
  );
  // A reservation without transactions is dissolved: its number was never used. The alarm then enqueues the miner.
  if (findBlock(sql, blockNumber)?.transactions === 0) {
    sql.exec("DELETE FROM block WHERE number = ? AND number > 0", blockNumber);
    setValue(sql, "mineNudgeAt", now);
  }
}

function nextNumber(sql: Sql): number {
  return (lastBlock(sql)?.number ?? -1) + 1;
}

/** Returns the ids of the transactions that were erased before a block took them. */
export function erasedAmong(sql: Sql, txIds: readonly string[]): readonly string[] {
  return sql
    .exec<{ id: string }>(
      `SELECT id FROM tx WHERE state = 'set_aside' AND reason = 'erased' AND id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(txIds),
    )
    .toArray()
    .map(({ id }) => id);
}
