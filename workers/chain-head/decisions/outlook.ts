import type { LedgerEntries, LedgerKeys } from "../../../shared/chain/ledger.ts";
import { ledger } from "./ledger.ts";
import { transaction, type TransactionFacts } from "../reads/transaction.ts";
import { GRANTING_TX, type Sql } from "../storage/schema.ts";

/** State of the chain, at one moment, by which the caller decides whether a submission can succeed. */
export interface Outlook extends LedgerEntries {
  /** The submission's own transaction, if it is known already. */
  readonly transaction: TransactionFacts | null;
  /** The requested grants that a pending or reserved transaction will make true when it is mined. */
  readonly pendingGrants: readonly string[];
}

/** Looks up each key once in an index: the cost grows neither with the chain nor with the pending transactions. */
export function outlook(sql: Sql, txId: string, keys: LedgerKeys, grants: readonly string[]): Outlook {
  const { assets, users } = ledger(sql, keys);
  const pendingGrants = grants.filter(
    (grant) =>
      sql.exec(`SELECT 1 FROM tx WHERE grants = ? AND ${GRANTING_TX} LIMIT 1`, grant).toArray().length > 0,
  );
  return { transaction: transaction(sql, txId), assets, users, pendingGrants };
}
