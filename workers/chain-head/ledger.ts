import type { LedgerEntries, LedgerKeys } from "../../shared/chain/ledger.ts";
import type { Sql } from "./schema.ts";

/** What is known of these keys as of the last sealed block. Unknown ones are left out. */
export function ledger(sql: Sql, { assetIds, userIds }: LedgerKeys): LedgerEntries {
  const assets = sql
    .exec<{ id: string; owner: string | null }>(
      "SELECT id, owner FROM asset WHERE created_by IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
      JSON.stringify(assetIds),
    )
    .toArray();
  const users = sql
    .exec<{ id: string; encryption_key_id: string }>(
      "SELECT id, encryption_key_id FROM user WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(userIds),
    )
    .toArray();
  return {
    assets: assets.map(({ id, owner }) => ({ assetId: id, owner })),
    users: users.map(({ id, encryption_key_id }) => ({ userId: id, encryptionKeyId: encryption_key_id })),
  };
}
