import { append } from "../../../shared/chain/history.ts";
import type { SealAnswer, SealedBlock } from "../../../shared/chain/reservation.ts";
import { fromHex } from "../../../shared/crypto/bytes.ts";
import { findBlock, isSealed } from "../reads/blocks.ts";
import { addToCount, getValue, setValue } from "../storage/key-values.ts";
import { historyNodes } from "../storage/history-nodes.ts";
import { noteBlockMilestone } from "../reads/latency.ts";
import { noteChanges } from "./ledger.ts";
import { lifeOf } from "./life.ts";
import type { Sql } from "../storage/schema.ts";
import { noteKeys } from "./signing-keys.ts";

/** The reservation was revised, belongs to an earlier life, or the chain was halted. The miner must reserve again. */
export type StaleReservation = { readonly stale: true };

/**
 * Compare-and-swaps the chain's head. The first sealed block of a number wins, and its bytes are the block for ever; a later
 * caller gets the winner back. Only this function adds a new block to the chain.
 */
export function seal(
  sql: Sql,
  blockNumber: number,
  previousHash: string,
  sealed: SealedBlock,
  now: number,
): SealAnswer | StaleReservation {
  const block = findBlock(sql, blockNumber);
  if (block === undefined) return { stale: true };
  if (isSealed(block)) return { won: block.sha256 === sealed.sha256, hash: block.hash, sha256: block.sha256 };
  if (sealed.life !== lifeOf(sql) || sealed.revision !== block.revision) return { stale: true };
  if (block.previous_hash !== previousHash) return { stale: true };
  if (getValue(sql, "halted")) return { stale: true };

  sql.exec(
    `UPDATE block SET state = 'sealed', hash = ?, sha256 = ?, cid = ?, byte_length = ?, key_id = ?, system_transactions = ?,
     sealed_at = ?, nudged_at = ?, nudges = 0 WHERE number = ?`,
    sealed.hash,
    sealed.sha256,
    sealed.cid,
    sealed.byteLength,
    sealed.keyId,
    sealed.systemTransactions,
    now,
    now,
    blockNumber,
  );
  sql.exec(
    `UPDATE tx SET state = 'mined', grants = NULL, position = placed.position FROM
     (SELECT id, row_number() OVER (ORDER BY sequence) - 1 + ? AS position FROM tx WHERE block = ?) AS placed
     WHERE tx.id = placed.id`,
    sealed.systemTransactions,
    blockNumber,
  );
  noteBlockMilestone(sql, "sealed", blockNumber, now);
  addToCount(sql, "mined", block.transactions);
  append(historyNodes(sql), blockNumber, fromHex(sealed.hash));
  noteChanges(sql, blockNumber, sealed);
  noteKeys(sql, blockNumber, sealed);
  setValue(sql, "mineNudgeAt", now); // the miner makes one block for each message
  return { won: true, hash: sealed.hash, sha256: sealed.sha256 };
}
