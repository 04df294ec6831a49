import type { ChainRules } from "../../../shared/chain/rules.ts";
import { deleteValue, getValue, setValue } from "../storage/key-values.ts";
import { isGenesisAllowed } from "./genesis-guard.ts";
import type { Sql } from "../storage/schema.ts";

/** `mayWriteFor`: the time in which the Worker may begin a write, in milliseconds, counted from before it sent its request. */
export type AssetWritesAnswer = { readonly mayWriteFor: number } | { readonly waitSeconds: number };

/**
 * Lets one Worker at a time write records of assets to KV. KV has no compare-and-swap, and an unanswered write may still land
 * over a newer one. Until the Worker reports that every write was answered, no other Worker writes before the last of these
 * writes has landed or never will.
 * @param writer a name that the Worker makes up; a repeat with the same name gets the same answer
 */
export function beginAssetWrites(
  sql: Sql,
  writer: string,
  rules: ChainRules,
  now: number,
): AssetWritesAnswer {
  const held = getValue(sql, "assetWrites");
  const lands = rules.writeLandsWithinSeconds;
  if (held !== undefined && held.writer !== writer && held.landBefore > now)
    return { waitSeconds: Math.ceil((held.landBefore - now) / 1_000) };
  // Before the restore ends, the chain head does not know what a Worker of an earlier life may still write.
  if (!isGenesisAllowed(sql) || getValue(sql, "restoring")) return { waitSeconds: 2 * lands };
  if (held?.writer !== writer) setValue(sql, "assetWrites", { writer, landBefore: landBefore(rules, now) });
  return { mayWriteFor: lands * 1_000 };
}

/** Ends the permission of this Worker: every write of it was answered. */
export function endAssetWrites(sql: Sql, writer: string): void {
  if (getValue(sql, "assetWrites")?.writer === writer) deleteValue(sql, "assetWrites");
}

/** Blocks new writers for as long as a Worker that got permission in an earlier life may still write. */
export function awaitEarlierAssetWrites(sql: Sql, rules: ChainRules, now: number): void {
  setValue(sql, "assetWrites", { writer: "an earlier life's", landBefore: landBefore(rules, now) });
}

/** Leaves time for a Worker to begin its last write, and for that write to land. */
function landBefore({ writeLandsWithinSeconds }: ChainRules, now: number): number {
  return now + 2 * writeLandsWithinSeconds * 1_000;
}
