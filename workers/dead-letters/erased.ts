import type { Dismissal } from "../../shared/dead-letters.ts";
import type { Sql } from "../../shared/sqlite.ts";
import type { EntryRow } from "./entries.ts";

/** A transaction whose private part an operator has erased: no dead letter holds it any more, nor ever will. */
export type ErasedEnvelope = Dismissal & { readonly txId: string };

/** The first time counts: asked again, the answer is the same. */
export function rememberErased(sql: Sql, { txId, by, reason, at }: ErasedEnvelope): ErasedEnvelope {
  sql.exec("INSERT OR IGNORE INTO erased (tx_id, by, reason, at) VALUES (?, ?, ?, ?)", txId, by, reason, at);
  return erasureOf(sql, txId) ?? { txId, by, reason, at };
}

export function erasureOf(sql: Sql, txId: string | null): ErasedEnvelope | undefined {
  return sql
    .exec<{ txId: string; by: string; reason: string; at: number }>(
      "SELECT tx_id AS txId, by, reason, at FROM erased WHERE tx_id = ?",
      txId,
    )
    .toArray()[0];
}

/** A letter is of the transaction whose envelope it holds, and without one of that which it names. */
export function isErased(sql: Sql, { tx_id, sealed_tx_id }: EntryRow): boolean {
  return erasureOf(sql, sealed_tx_id ?? tx_id) !== undefined;
}

/** Nothing is left to be done about them, whatever they were before. */
export function dismissErased(sql: Sql, { txId, by, reason, at }: ErasedEnvelope): void {
  sql.exec(
    `UPDATE entry SET state = 'dismissed', dismissed_by = ?, dismissed_reason = ?, dismissed_at = ?, check_at = NULL
     WHERE coalesce(sealed_tx_id, tx_id) = ?`,
    by,
    `erased: ${reason}`,
    at,
    txId,
  );
}

/** The dead letters of a transaction. */
export function lettersOf(sql: Sql, txId: string): Pick<EntryRow, "id" | "stage">[] {
  return sql
    .exec<Pick<EntryRow, "id" | "stage">>(
      "SELECT id, stage FROM entry WHERE coalesce(sealed_tx_id, tx_id) = ? ORDER BY first_seen, id",
      txId,
    )
    .toArray();
}
