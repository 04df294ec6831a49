import type { LedgerEntries, LedgerKeys } from "../../../shared/chain/ledger.ts";
import type { AssetMention, LedgerChanges } from "../../../shared/chain/reservation.ts";
import { lastSealedBlock } from "../reads/blocks.ts";
import type { Sql } from "../storage/schema.ts";

export interface LedgerState extends LedgerEntries {
  /** The last sealed block; its changes are the last in this answer. -1 before genesis. */
  readonly asOf: number;
}

/** Reads the ledger entries of these keys as of the last sealed block. Unknown keys are left out. */
export function ledger(sql: Sql, { assetIds, userIds }: LedgerKeys): LedgerState {
  // The keys travel as one JSON parameter, because SQLite takes at most 100 parameters.
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
    asOf: lastSealedBlock(sql),
    assets: assets.map(({ id, owner }) => ({ assetId: id, owner })),
    users: users.map(({ id, encryption_key_id }) => ({ userId: id, encryptionKeyId: encryption_key_id })),
  };
}

/**
 * Applies a block's changes to the ledger, within the decision that seals or restores the block. No other code changes the
 * ledger.
 * @throws Error when the rules forbid a change: the block was not made from this ledger and must not become part of the chain
 */
export function noteChanges(sql: Sql, blockNumber: number, { assets, users }: LedgerChanges): void {
  for (const mention of assets) noteAsset(sql, blockNumber, mention);
  for (const { userId, encryptionKeyId } of users) {
    const known = sql.exec("SELECT id FROM user WHERE id = ?", userId).toArray();
    if (known.length > 0) throw new Error(`block ${blockNumber} registers a user a second time`);
    sql.exec(
      "INSERT INTO user (id, encryption_key_id, registered_in) VALUES (?, ?, ?)",
      userId,
      encryptionKeyId,
      blockNumber,
    );
  }
}

/**
 * Notes a mention of an asset. Blocks are sealed in order: the creation stays, the owner is the latest, and the last block only
 * grows.
 */
function noteAsset(sql: Sql, blockNumber: number, { assetId, createdBy, owner }: AssetMention): void {
  const [known] = sql
    .exec<{ created_by: string | null }>("SELECT created_by FROM asset WHERE id = ?", assetId)
    .toArray();
  const exists = (known?.created_by ?? null) !== null;
  if (exists && createdBy !== null) throw new Error(`block ${blockNumber} creates an asset a second time`);
  if (!exists && createdBy === null)
    throw new Error(`block ${blockNumber} transfers an asset that no block creates`);
  sql.exec(
    `INSERT INTO asset (id, created_by, owner, last_block) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
     created_by = coalesce(created_by, excluded.created_by), owner = excluded.owner, last_block = excluded.last_block`,
    assetId,
    createdBy,
    owner,
    blockNumber,
  );
}
