import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { LogEndorsement, LogKeyStatement } from "../../../shared/tlog/endorsement.ts";
import { deleteValue, getValue, setValue } from "./schema.ts";

/** The keys with which the checkpointer signs, as its settings and secret say. */
export type LogKeySet = Pick<LogKeyStatement, "chainId" | "origin" | "vkeys">;

/** Most endorsements that the log head keeps: a log changes its keys a few times in its life. */
const MOST_ENDORSEMENTS = 100;

/**
 * Takes the checkpointer's keys. Returns true when the block key has endorsed them. Otherwise they wait for the miner, for
 * checkpoints from the present size on.
 * @throws Error for another origin than that of the first checkpoint, or after too many changes
 */
export function registerKeys(sql: Sql, keys: LogKeySet): boolean {
  const known = endorsements(sql);
  const newest = known.at(-1);
  if (newest !== undefined && newest.origin !== keys.origin)
    throw new Error(`LOG_ORIGIN is ${keys.origin}, and the log has been ${newest.origin} since it began`);
  if (newest !== undefined && isSame(newest, keys)) return true;
  if (known.length >= MOST_ENDORSEMENTS)
    throw new Error(`the log has changed its keys ${known.length} times, and takes no others`);
  setValue(sql, "toEndorse", { ...keys, fromSize: getValue(sql, "committed")?.size ?? 0 });
  return false;
}

/** Returns the keys that wait for an endorsement; null when none do. */
export function keysToEndorse(sql: Sql): Omit<LogKeyStatement, "genesisHash"> | null {
  return getValue(sql, "toEndorse") ?? null;
}

/** Takes the miner's endorsement. An endorsement of keys that no longer wait changes nothing. */
export function endorsed(sql: Sql, endorsement: LogEndorsement): void {
  const waiting = getValue(sql, "toEndorse");
  if (waiting === undefined || !isSame(waiting, endorsement) || waiting.fromSize !== endorsement.fromSize)
    return;
  sql.exec("INSERT INTO endorsement (json) VALUES (?)", JSON.stringify(endorsement));
  deleteValue(sql, "toEndorse");
}

/** Lists the endorsements, the newest last. */
export function endorsements(sql: Sql): LogEndorsement[] {
  return sql
    .exec<{ json: string }>("SELECT json FROM endorsement ORDER BY number LIMIT ?", MOST_ENDORSEMENTS)
    .toArray()
    .map(({ json }) => JSON.parse(json) as LogEndorsement);
}

function isSame(one: LogKeySet, other: LogKeySet): boolean {
  return (
    one.chainId === other.chainId &&
    one.origin === other.origin &&
    one.vkeys.every((vkey, i) => vkey === other.vkeys[i])
  );
}
