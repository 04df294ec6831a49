import { withDeadline } from "../../../shared/runtime/deadline.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import { lastBlock } from "../reads/blocks.ts";
import type { Env } from "../env.ts";
import { getValue, setValue } from "../storage/key-values.ts";
import { haltUntilRestored } from "./halt.ts";
import type { Sql } from "../storage/schema.ts";

/** Traces of an earlier chain, in the archive (R2) or in KV. */
export interface Traces {
  readonly archive: boolean;
  readonly kv: boolean;
}

const DEADLINE_MS = 15_000;

/**
 * Looks for traces of an earlier chain in R2 and KV.
 * @throws Error when R2 or KV can't be read: unknown is not "no chain"
 */
export function lookForChain({ KV, R2 }: Pick<Env, "KV" | "R2">): Promise<Traces> {
  return withDeadline(DEADLINE_MS, "the search for a chain in R2 and KV", async () => {
    const [archive, ...values] = await Promise.all([
      archiveHoldsChain(R2),
      ...[kvKeys.latest, kvKeys.block(0)].map((key) => KV.get(key)),
    ]);
    return { archive, kv: values.some((value) => value !== null) };
  });
}

/** Reads staged bytes first, because they are deleted only after their block is in the archive. */
async function archiveHoldsChain(bucket: R2Bucket): Promise<boolean> {
  for (const prefix of [r2Keys.allSealedPrefix, r2Keys.blockPrefix])
    if ((await bucket.list({ prefix, limit: 1 })).objects.length > 0) return true;
  return false;
}

/**
 * Decides whether a chain may begin or has begun here. Without a block, the chain head's own storage may just have been lost, so
 * it may begin a chain only where storage holds no trace of one.
 */
export function isGenesisAllowed(sql: Sql): boolean {
  return lastBlock(sql) !== undefined || getValue(sql, "founded") !== undefined;
}

/**
 * Halts a chain head that knows no block although storage holds a chain: a second genesis would be a fork.
 * @returns whether the chain head may begin a chain, as far as these traces say
 */
export function haltIfLost(sql: Sql, { archive, kv }: Traces, now: number): "halted" | "free" {
  if (isGenesisAllowed(sql) || getValue(sql, "restoring") || !(archive || kv)) return "free";
  const places = [archive && "R2", kv && "KV"].filter((place) => place !== false);
  haltUntilRestored(
    sql,
    `the chain head knows no block, but ${places.join(" and ")} ${places.length > 1 ? "hold" : "holds"} a chain: its storage was lost, or CHAIN_ID is new`,
    now,
  );
  return "halted";
}

/** Decides, before the first block, whether a chain begins here. */
export function allowGenesis(sql: Sql, traces: Traces, now: number): void {
  if (isGenesisAllowed(sql) || getValue(sql, "restoring")) return;
  if (haltIfLost(sql, traces, now) === "free") setValue(sql, "founded", now);
}
