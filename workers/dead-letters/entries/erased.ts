import type { Dismissal } from "../../../shared/api/dead-letters.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { EntryRow } from "./entry-row.ts";

/** A transaction whose private part an operator has erased: no dead letter holds it, and none will. */
export type ErasedEnvelope = Dismissal & { readonly txId: string };

/** Remembers an erasure. The first one stays, so a repeat gets the same answer. */
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

/** Decides whether an entry's transaction is erased: the one whose envelope it holds, or else the one that it names. */
export function isErased(sql: Sql, { tx_id, sealed_tx_id }: EntryRow): boolean {
  return erasureOf(sql, sealed_tx_id ?? tx_id) !== undefined;
}

/** Dismisses the dead letters of an erased transaction, whatever their state was. */
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

/** Lists the dead letters of a transaction. */
export function lettersOf(sql: Sql, txId: string): Pick<EntryRow, "id" | "stage">[] {
  return sql
    .exec<Pick<EntryRow, "id" | "stage">>(
      "SELECT id, stage FROM entry WHERE coalesce(sealed_tx_id, tx_id) = ? ORDER BY first_seen, id",
      txId,
    )
    .toArray();
}
