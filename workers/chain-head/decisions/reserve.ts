import { NO_PREVIOUS_HASH } from "../../../shared/chain/block.ts";
import { historyRoot } from "../../../shared/chain/history.ts";
import type { Reservation } from "../../../shared/chain/reservation.ts";
import {
  nextTimestamp,
  nextTransactions,
  type ChainRules,
  type WaitingTransaction,
} from "../../../shared/chain/rules.ts";
import { hex } from "../../../shared/crypto/bytes.ts";
import { lastBlock, movedIn, transactionIdsOf, unfinishedBlocks, type BlockRow } from "../reads/blocks.ts";
import { addToCount, nextCount, getValue } from "../storage/key-values.ts";
import { isGenesisAllowed } from "./genesis-guard.ts";
import { historyNodes } from "../storage/history-nodes.ts";
import { lifeOf } from "./life.ts";
import { GRANTING_TX, UNKNOWN_NEED, type Sql } from "../storage/schema.ts";
import { nextRevocation, signingKeys } from "./signing-keys.ts";

/** `genesis_undecided`: the chain head has not decided yet whether a chain begins here; see `genesis-guard.ts`. */
export interface NoReservation {
  readonly none: "halted" | "restoring" | "nothing_approved" | "too_many_in_flight" | "genesis_undecided";
}

/**
 * Fixes number, predecessor, timestamp and transactions of the next block. While a reservation is open, the answer is that one. A
 * second reservation can't exist, so no two blocks are ever made for one number.
 */
export function reserve(
  sql: Sql,
  chainId: string,
  rules: ChainRules,
  now: number,
): Reservation | NoReservation {
  if (getValue(sql, "halted")) return { none: "halted" };
  if (getValue(sql, "restoring")) return { none: "restoring" };
  const unfinished = unfinishedBlocks(sql);
  const open = unfinished.find(({ state }) => state === "reserved");
  if (open) return reservationOf(sql, chainId, open);
  if (unfinished.length >= rules.maxBlocksInFlight) return { none: "too_many_in_flight" };

  const chosen = approvedThatFit(sql, rules);
  if (chosen.length === 0 && nextRevocation(sql) === null) return { none: "nothing_approved" };
  if (!isGenesisAllowed(sql)) return { none: "genesis_undecided" };
  const previous = lastBlock(sql);
  if (previous?.cid === null)
    throw new Error(`block ${previous.number} has no CID, which the next must name`);
  const number = previous === undefined ? 0 : previous.number + 1;
  const transactions = previous === undefined ? 0 : chosen.length; // genesis takes no transaction from outside
  sql.exec(
    `INSERT INTO block (number, state, revision, timestamp, previous_hash, previous_cid, history_root, transactions, reserved_at, nudged_at)
     VALUES (?, 'reserved', ?, ?, ?, ?, ?, ?, ?, ?)`,
    number,
    nextCount(sql, "revision"),
    nextTimestamp(now, previous?.timestamp ?? 0),
    previous?.hash ?? NO_PREVIOUS_HASH,
    previous?.cid ?? null,
    hex(historyRoot(historyNodes(sql), number)),
    transactions,
    now,
    now,
  );
  sql.exec(
    "UPDATE tx SET state = 'reserved', block = ? WHERE id IN (SELECT value FROM json_each(?))",
    number,
    JSON.stringify(chosen.slice(0, transactions).map(({ id }) => id)),
  );
  addToCount(sql, "waiting", -transactions);
  const reserved = lastBlock(sql);
  if (reserved?.number !== number) throw new Error("the reservation just made is not there");
  return reservationOf(sql, chainId, reserved);
}

type WaitingRow = { id: string; sequence: number; size: number; envelopeSize: number; needs: string | null };

/** Lists the approved transactions that the next block would take, in its order. */
export function approvedThatFit(sql: Sql, rules: ChainRules): WaitingTransaction[] {
  const waiting = (which: string) =>
    sql
      .exec<WaitingRow>(
        `SELECT id, sequence, size, envelope_size AS envelopeSize, needs FROM tx WHERE state = 'pending' ${which} AND sequence <= ? ORDER BY sequence LIMIT ?`,
        getValue(sql, "approvedThrough") ?? 0,
        rules.blockMaxTransactions,
      )
      .toArray();
  // Two queries, because each reads at most `blockMaxTransactions` rows: otherwise paid transactions that must wait for another
  // one could push every other paid transaction out of the result.
  const needing = waiting("AND paid = 1 AND needs IS NOT NULL").filter((row) => !mustNotOvertake(sql, row));
  const paid = [...waiting("AND paid = 1 AND needs IS NULL"), ...needing].toSorted(
    (a, b) => a.sequence - b.sequence,
  );
  const blockNumber = (lastBlock(sql)?.number ?? 0) + 1; // genesis takes no transaction from outside
  return nextTransactions(blockNumber, paid, waiting(""), rules);
}

/**
 * Decides whether a paid transaction must wait for its turn among all. It must if another pending or reserved transaction grants
 * what it needs, or if an earlier pending one needs the same. Overtaking the first would break a rule; overtaking the second
 * would take an asset that was transferred before. An unknown need may be either.
 */
function mustNotOvertake(sql: Sql, { needs, sequence }: WaitingRow): boolean {
  const isThere = (query: string, ...bindings: (string | number | null)[]) =>
    sql.exec(query, ...bindings).toArray().length > 0;
  return (
    needs === UNKNOWN_NEED ||
    isThere(`SELECT 1 FROM tx WHERE grants = ? AND ${GRANTING_TX} LIMIT 1`, needs) ||
    isThere(
      "SELECT 1 FROM tx WHERE state = 'pending' AND needs IN (?, ?) AND sequence < ? LIMIT 1",
      needs,
      UNKNOWN_NEED,
      sequence,
    )
  );
}

export function reservationOf(sql: Sql, chainId: string, row: BlockRow): Reservation {
  return {
    chainId,
    life: lifeOf(sql),
    blockNumber: row.number,
    revision: row.revision,
    timestamp: row.timestamp,
    previousHash: row.previous_hash,
    previousCid: row.previous_cid,
    historyRoot: row.history_root,
    transactions: transactionIdsOf(sql, row.number),
    moved: movedIn(sql, row.number),
    announcedKeyIds: signingKeys(sql).map(({ keyId }) => keyId),
    revocation: nextRevocation(sql)?.revocation ?? null,
  };
}
