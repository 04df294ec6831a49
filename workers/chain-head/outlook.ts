import type { LedgerEntries, LedgerKeys } from "../../shared/chain/ledger.ts";
import { ledger } from "./ledger.ts";
import { transaction, type TransactionFacts } from "./reads.ts";
import { GRANTING_TX, type Sql } from "./schema.ts";

/** Whether a submission can succeed, as of one moment. */
export interface Outlook extends LedgerEntries {
  /** The submission itself, where it is known already. */
  readonly transaction: TransactionFacts | null;
  /** Those of the grants asked for that a pending or reserved transaction makes true when it is mined. */
  readonly pendingGrants: readonly string[];
}

/** Looks up each key once, in an index: the cost does not grow with the chain or with what is pending. */
export function outlook(sql: Sql, txId: string, keys: LedgerKeys, grants: readonly string[]): Outlook {
  const { assets, users } = ledger(sql, keys);
  const pendingGrants = grants.filter(
    (grant) =>
      sql.exec(`SELECT 1 FROM tx WHERE grants = ? AND ${GRANTING_TX} LIMIT 1`, grant).toArray().length > 0,
  );
  return { transaction: transaction(sql, txId), assets, users, pendingGrants };
}
