import type { BlockState, TransactionState } from "../../../shared/chain/states.ts";
import { getValue } from "../storage/key-values.ts";
import { isGenesisAllowed } from "./genesis-guard.ts";
import { keepRefused } from "./refused.ts";
import type { Sql } from "../storage/schema.ts";
import { insertErased } from "./withdraw.ts";

/**
 * The answer whether the private part of a transaction may be erased. `archived`: only the archive of its block holds it.
 * `withdrawn`: no block has taken it and none will. `expired`: it was not paid in time.
 */
export type Erasure =
  | { readonly may: "archived"; readonly blockNumber: number }
  | { readonly may: "withdrawn" | "expired" }
  | {
      readonly mayNot: Exclude<TransactionState, "set_aside"> | "awaiting_payment" | "restoring" | "unknown";
    };

/**
 * Decides whether the private part may be erased. A transaction that no block has taken stays set aside with the reason `erased`,
 * and no block takes it later, however often it is delivered or replayed. A transaction on its way into a block can't be erased,
 * because the miner and the archive still need it.
 * @param isParked a dead letter holds the transaction, so it may be erased although the chain head never admitted it
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
    // A set-aside transaction that is not parked yet counts as parked: nothing is left to park.
    sql.exec("UPDATE tx SET reason = 'erased', parked = 1 WHERE id = ?", txId);
    return { may: "withdrawn" };
  }
  if (tx.state !== "mined" || tx.block === null || tx.block_state !== "complete") return { mayNot: tx.state };
  // Until the restore has ended, the block may have to pass through its stages again.
  return getValue(sql, "restoring") ? { mayNot: "restoring" } : { may: "archived", blockNumber: tx.block };
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
  // Until the chain is restored, an unknown block may hold the transaction, and then the archive of that block holds it too.
  if (!isGenesisAllowed(sql) || getValue(sql, "restoring")) return { mayNot: "restoring" };
  insertErased(sql, txId, now);
  return { may: "withdrawn" };
}
