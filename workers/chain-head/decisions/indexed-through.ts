import type { IndexedThrough } from "../../../shared/api/indexed-through.ts";
import { latestThatIsIndexed } from "../reads/blocks.ts";
import { deleteValue, getValue, setValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

/**
 * Notes how far the index is complete now, as the next claim. The claim is published only after every reader of KV sees the
 * entries: KV has no order between keys, so a claim that is written right after the entries could be seen before them. Only one
 * claim ages at a time, so the cost grows neither with the chain nor with the rate of its blocks.
 */
export function beginClaim(sql: Sql, now: number): void {
  if (getValue(sql, "nextClaim") !== undefined || getValue(sql, "noClaimBefore") !== undefined) return;
  const blockNumber = latestThatIsIndexed(sql);
  if (blockNumber > (getValue(sql, "indexedThrough")?.blockNumber ?? -1))
    setValue(sql, "nextClaim", { blockNumber, at: now });
}

/** Notes that KV took the claim, and begins the next one. */
export function claimPublished(sql: Sql, claim: IndexedThrough, now: number): void {
  setValue(sql, "indexedThrough", claim);
  deleteValue(sql, "nextClaim");
  beginClaim(sql, now);
}

/**
 * Withdraws the claim of a chain head that was restored: nobody knows whether KV has lost the entries of the restored blocks.
 * @param last number of the last restored block
 */
export function claimNothing(sql: Sql, last: number): void {
  deleteValue(sql, "indexedThrough");
  deleteValue(sql, "nextClaim");
  if (last >= 0) setValue(sql, "noClaimBefore", last);
}

/** Blocks whose index a verification found complete, or completed. */
export interface VerifiedIndex {
  readonly from: number;
  readonly through: number;
}

/** Claims the index again, from now on, after a verification. After a restore, it must have verified every restored block. */
export function claimAgain(sql: Sql, { from, through }: VerifiedIndex, now: number): void {
  const restored = getValue(sql, "noClaimBefore");
  if (restored !== undefined && (from > 0 || through < restored)) return;
  deleteValue(sql, "noClaimBefore");
  const blockNumber = latestThatIsIndexed(sql);
  if (blockNumber >= 0) setValue(sql, "nextClaim", { blockNumber, at: now });
}
