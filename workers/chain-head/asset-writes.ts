import type { ChainRules } from "../../shared/chain/rules.ts";
import { forgetFact, readFact, writeFact } from "./facts.ts";
import { isFounded } from "./found.ts";
import type { Sql } from "./schema.ts";

/** `mayWriteFor`: milliseconds, from before the question on, in which the Worker may begin a write. */
export type AssetWritesAnswer = { readonly mayWriteFor: number } | { readonly waitSeconds: number };

/**
 * Lets one Worker at a time write records of assets to KV. KV has no compare-and-swap, and a write that was not answered
 * may still land, over a newer one. So until the Worker says that every write was answered, no other Worker writes before
 * the last of these writes has landed or never will.
 * @param writer a name that the Worker makes up; asked again with the same one, the answer is the same
 */
export function beginAssetWrites(
  sql: Sql,
  writer: string,
  rules: ChainRules,
  now: number,
): AssetWritesAnswer {
  const held = readFact(sql, "assetWrites");
  const lands = rules.writeLandsWithinSeconds;
  if (held !== undefined && held.writer !== writer && held.landBefore > now)
    return { waitSeconds: Math.ceil((held.landBefore - now) / 1_000) };
  // Before the restore ends, it is not known what a Worker of an earlier life may still write.
  if (!isFounded(sql) || readFact(sql, "restoring")) return { waitSeconds: 2 * lands };
  if (held?.writer !== writer) writeFact(sql, "assetWrites", { writer, landBefore: landBefore(rules, now) });
  return { mayWriteFor: lands * 1_000 };
}

/** Every write of this Worker was answered. */
export function endAssetWrites(sql: Sql, writer: string): void {
  if (readFact(sql, "assetWrites")?.writer === writer) forgetFact(sql, "assetWrites");
}

/** Whoever was let to write during an earlier life may still do so. */
export function awaitEarlierAssetWrites(sql: Sql, rules: ChainRules, now: number): void {
  writeFact(sql, "assetWrites", { writer: "an earlier life's", landBefore: landBefore(rules, now) });
}

/** A Worker begins its last write, and that write lands. */
function landBefore({ writeLandsWithinSeconds }: ChainRules, now: number): number {
  return now + 2 * writeLandsWithinSeconds * 1_000;
}
