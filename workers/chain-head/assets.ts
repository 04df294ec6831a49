import { lastSealedBlock } from "./blocks.ts";
import type { Sql } from "./schema.ts";

export interface AssetFacts {
  readonly assetId: string;
  /** The transaction of the chain that created it, null when none did. */
  readonly createdBy: string | null;
  /** Key id of the signing key that may transfer it, null when nobody may. */
  readonly owner: string | null;
  /** The highest sealed block that mentions it. */
  readonly lastBlock: number;
}

export interface AssetsAnswer {
  /** The last sealed block, -1 before genesis. */
  readonly asOf: number;
  readonly assets: readonly AssetFacts[];
}

/** What the chain says of assets, for the index: KV itself may be stale, and is not asked. Unknown ids are left out. */
export function assetFacts(sql: Sql, assetIds: readonly string[]): AssetsAnswer {
  const assets = assetIds.flatMap((assetId) =>
    sql
      .exec<{ created_by: string | null; owner: string | null; last_block: number }>(
        "SELECT created_by, owner, last_block FROM asset WHERE id = ?",
        assetId,
      )
      .toArray()
      .map(({ created_by, owner, last_block }) => ({
        assetId,
        createdBy: created_by,
        owner,
        lastBlock: last_block,
      })),
  );
  return { asOf: lastSealedBlock(sql), assets };
}
