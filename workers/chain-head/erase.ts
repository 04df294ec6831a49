import type { BlockState, TransactionState } from "../../shared/chain/states.ts";
import { readFact } from "./facts.ts";
import { isFounded } from "./found.ts";
import { keepRefused } from "./refused.ts";
import type { Sql } from "./schema.ts";
import { insertErased } from "./withdraw.ts";

/**
 * Whether the private part of a transaction may be erased. `archived`: what its block's archive holds is all there is.
 * `withdrawn`: no block took it, and none will. `expired`: it was not paid in time.
 */
export type Erasure =
  | { readonly may: "archived"; readonly blockNumber: number }
  | { readonly may: "withdrawn" | "expired" }
  | {
      readonly mayNot: Exclude<TransactionState, "set_aside"> | "awaiting_payment" | "restoring" | "unknown";
    };

/**
 * Decides it. A transaction that no block took is never taken from here on, however often it is delivered or replayed: it
 * stays set aside, `erased`. On its way into a block it can't be erased, for the miner and the archive still need it.
 * @param isParked a dead letter holds it, so that it may be erased though it never came here
 */
export function erase(sql: Sql, txId: string, isParked: boolean, now: number): Erasure {
  const [tx] = sql
    .exec<{
      state: TransactionState;
      reason: string | null;
      block: number | null;
      block_state: BlockState | null;
    }>(
      `SELECT tx.state, tx.reason, tx.block, block.state AS block_state
       FROM tx LEFT JOIN block ON block.number = tx.block WHERE tx.id = ?`,
      txId,
    )
    .toArray();
  if (tx === undefined) return ofUnknown(sql, txId, isParked, now);
  if (tx.state === "set_aside") {
    keepRefused(sql, txId);
    // Also one that the dead letters have not been told of yet: there is nothing left to park.
    sql.exec("UPDATE tx SET reason = 'erased', parked = 1 WHERE id = ?", txId);
    return { may: "withdrawn" };
  }
  if (tx.state !== "mined" || tx.block === null || tx.block_state !== "complete") return { mayNot: tx.state };
  // Until the restore has ended, its block may have to go through its stages once more.
  return readFact(sql, "restoring") ? { mayNot: "restoring" } : { may: "archived", blockNumber: tx.block };
}

function ofUnknown(sql: Sql, txId: string, isParked: boolean, now: number): Erasure {
  const [intent] = sql
    .exec<{ expired_at: number | null; paid_by: string | null }>(
      "SELECT expired_at, paid_by FROM intent WHERE tx_id = ? AND received_at IS NOT NULL",
      txId,
    )
    .toArray();
  if (intent !== undefined)
    return intent.expired_at === null || intent.paid_by !== null
      ? { mayNot: "awaiting_payment" }
      : { may: "expired" };
  if (!isParked) return { mayNot: "unknown" };
  // A block that is not known here may have taken it, and then its archive holds it too.
  if (!isFounded(sql) || readFact(sql, "restoring")) return { mayNot: "restoring" };
  insertErased(sql, txId, now);
  return { may: "withdrawn" };
}
