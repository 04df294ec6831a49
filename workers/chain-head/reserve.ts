import { NO_PREVIOUS_HASH } from "../../shared/chain/block.ts";
import { historyRoot } from "../../shared/chain/history.ts";
import type { Reservation } from "../../shared/chain/reservation.ts";
import { countThatFits, nextTimestamp, type ChainRules } from "../../shared/chain/rules.ts";
import { hex } from "../../shared/crypto/bytes.ts";
import { lastBlock, movedIn, transactionIdsOf, unfinishedBlocks, type BlockRow } from "./blocks.ts";
import { addTo, nextOf, readFact } from "./facts.ts";
import { isFounded } from "./found.ts";
import { historyNodes } from "./history-nodes.ts";
import { lifeOf } from "./life.ts";
import type { Sql } from "./schema.ts";

/** `not_founded`: it has not been decided yet whether a chain begins here; see `found.ts`. */
export type NoReservation =
  | { readonly none: "halted" | "restoring" | "nothing_approved" | "too_many_in_flight" }
  | { readonly none: "not_founded"; readonly life: string };

/**
 * Fixes number, predecessor, timestamp and transactions of the next block. While a reservation is open it is the
 * answer; a second one can't exist, so no two blocks are ever made for one number.
 */
export function reserve(
  sql: Sql,
  chainId: string,
  rules: ChainRules,
  now: number,
): Reservation | NoReservation {
  if (readFact(sql, "halted")) return { none: "halted" };
  if (readFact(sql, "restoring")) return { none: "restoring" };
  const unfinished = unfinishedBlocks(sql);
  const open = unfinished.find(({ state }) => state === "reserved");
  if (open) return reservationOf(sql, chainId, open);
  if (unfinished.length >= rules.maxBlocksInFlight) return { none: "too_many_in_flight" };

  const chosen = approvedThatFit(sql, rules);
  if (chosen.length === 0) return { none: "nothing_approved" };
  if (!isFounded(sql)) return { none: "not_founded", life: lifeOf(sql) };
  const previous = lastBlock(sql);
  const number = previous === undefined ? 0 : previous.number + 1;
  const transactions = previous === undefined ? 0 : chosen.length; // genesis carries none of them
  sql.exec(
    `INSERT INTO block (number, state, revision, timestamp, previous_hash, history_root, transactions, reserved_at, nudged_at)
     VALUES (?, 'reserved', ?, ?, ?, ?, ?, ?, ?)`,
    number,
    nextOf(sql, "revision"),
    nextTimestamp(now, previous?.timestamp ?? 0),
    previous?.hash ?? NO_PREVIOUS_HASH,
    hex(historyRoot(historyNodes(sql), number)),
    transactions,
    now,
    now,
  );
  sql.exec(
    `UPDATE tx SET state = 'reserved', block = ? WHERE id IN
     (SELECT id FROM tx WHERE state = 'pending' AND sequence <= ? ORDER BY sequence LIMIT ?)`,
    number,
    readFact(sql, "approvedThrough") ?? 0,
    transactions,
  );
  addTo(sql, "waiting", -transactions);
  const reserved = lastBlock(sql);
  if (reserved?.number !== number) throw new Error("the reservation just made is not there");
  return reservationOf(sql, chainId, reserved);
}

/** The approved transactions that the next block would take: first admitted, first taken. */
export function approvedThatFit(sql: Sql, rules: ChainRules): { id: string; size: number }[] {
  const waiting = sql
    .exec<{ id: string; size: number; envelopeSize: number }>(
      "SELECT id, size, envelope_size AS envelopeSize FROM tx WHERE state = 'pending' AND sequence <= ? ORDER BY sequence LIMIT ?",
      readFact(sql, "approvedThrough") ?? 0,
      rules.blockMaxTransactions,
    )
    .toArray();
  return waiting.slice(0, countThatFits(waiting, rules));
}

export function reservationOf(sql: Sql, chainId: string, row: BlockRow): Reservation {
  const keys = sql
    .exec<{ key_id: string }>("SELECT key_id FROM signing_key ORDER BY announced_in, key_id")
    .toArray();
  return {
    chainId,
    life: lifeOf(sql),
    blockNumber: row.number,
    revision: row.revision,
    timestamp: row.timestamp,
    previousHash: row.previous_hash,
    historyRoot: row.history_root,
    transactions: transactionIdsOf(sql, row.number),
    moved: movedIn(sql, row.number),
    announcedKeyIds: keys.map(({ key_id }) => key_id),
  };
}
