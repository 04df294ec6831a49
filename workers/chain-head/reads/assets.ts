import { lastSealedBlock } from "./blocks.ts";
import type { Sql } from "../storage/schema.ts";

export interface AssetFacts {
  readonly assetId: string;
  /** Id of the transaction that created the asset; null when no transaction of the chain did. */
  readonly createdBy: string | null;
  /** Id of the signing key that may transfer the asset; null when no key may. */
  readonly owner: string | null;
  /** The highest sealed block that mentions the asset. */
  readonly lastBlock: number;
}

export interface AssetsAnswer {
  /** Number of the last sealed block; -1 before genesis. */
  readonly asOf: number;
  readonly assets: readonly AssetFacts[];
}

/**
 * Returns what the sealed chain says of these assets, for the index. It does not read KV, which may be stale. Unknown ids are
 * left out.
 */
export function assets(sql: Sql, assetIds: readonly string[]): AssetsAnswer {
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
