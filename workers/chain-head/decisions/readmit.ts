import type { TransactionState } from "../../../shared/chain/states.ts";
import { addToCount, nextCount } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

/**
 * `being_parked`: the transaction's last failure is not in the dead-letter store yet. `erased`: nothing is left to mine.
 * `refused`: its user was told, and its pending object is deleted.
 */
export type Readmission =
  | "readmitted"
  | "being_parked"
  | "erased"
  | "refused"
  | Exclude<TransactionState, "set_aside">
  | "unknown";

/**
 * Makes set-aside transactions pending again, as if they were admitted now: the next mining request covers them. Only a
 * transaction whose failure is on record is readmitted, so that no failure is forgotten. A transaction in any other state does
 * not change.
 */
export function readmit(sql: Sql, txIds: readonly string[], now: number): readonly Readmission[] {
  return txIds.map((txId) => {
    const [known] = sql
      .exec<{ state: TransactionState; reason: string | null; parked: number; forget_at: number | null }>(
        "SELECT state, reason, parked, forget_at FROM tx WHERE id = ?",
        txId,
      )
      .toArray();
    if (known === undefined) return "unknown";
    if (known.state !== "set_aside") return known.state;
    if (known.reason === "erased") return "erased";
    if (known.forget_at !== null) return "refused";
    if (known.parked === 0) return "being_parked";
    sql.exec(
      `UPDATE tx SET state = 'pending', sequence = ?, admitted_at = ?, reason = NULL, error = NULL, set_aside_at = NULL,
       set_aside_from = NULL, parked = 0 WHERE id = ?`,
      nextCount(sql, "sequence"),
      now,
      txId,
    );
    addToCount(sql, "waiting", 1);
    addToCount(sql, "unapproved", 1);
    addToCount(sql, "pending", 1);
    addToCount(sql, "setAside", -1);
    return "readmitted";
  });
}
