import type { AssetMention } from "../../shared/chain/reservation.ts";
import type { Sql } from "./schema.ts";

export interface AssetFacts {
  readonly assetId: string;
  /** The first transaction of the chain that created it, null when none did. */
  readonly createdBy: string | null;
  /** The highest sealed block that mentions it. */
  readonly lastBlock: number;
}

/** Blocks are sealed in order, so the first creation stays and the last block only grows. */
export function noteAssets(sql: Sql, blockNumber: number, mentions: readonly AssetMention[]): void {
  for (const { assetId, createdBy } of mentions)
    sql.exec(
      `INSERT INTO asset (id, created_by, last_block) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET created_by = coalesce(created_by, excluded.created_by), last_block = excluded.last_block`,
      assetId,
      createdBy,
      blockNumber,
    );
}

/** What the chain says of assets, for the index: KV itself may be stale, and is not asked. Unknown ids are left out. */
export function assetFacts(sql: Sql, assetIds: readonly string[]): readonly AssetFacts[] {
  return assetIds.flatMap((assetId) =>
    sql
      .exec<{ created_by: string | null; last_block: number }>(
        "SELECT created_by, last_block FROM asset WHERE id = ?",
        assetId,
      )
      .toArray()
      .map(({ created_by, last_block }) => ({ assetId, createdBy: created_by, lastBlock: last_block })),
  );
}
