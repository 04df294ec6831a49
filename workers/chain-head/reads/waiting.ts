import type { ChainRules } from "../../../shared/chain/rules.ts";
import { nextRevocation } from "../decisions/signing-keys.ts";
import { getValues } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

/** Counts the pending transactions that no mining request covers, and finds when the first of them was admitted. */
export function unapproved(sql: Sql): { count: number; oldestAdmittedAt: number | undefined } {
  const { approvedThrough, unapproved: waiting = 0 } = getValues(sql, ["approvedThrough", "unapproved"]);
  return { count: waiting, oldestAdmittedAt: firstAdmittedAfter(sql, approvedThrough ?? 0) };
}

/** Finds when the first pending transaction with a higher sequence was admitted, in milliseconds since the epoch. */
export function firstAdmittedAfter(sql: Sql, sequence: number): number | undefined {
  const [oldest] = sql
    .exec<{ admitted_at: number }>(
      "SELECT admitted_at FROM tx WHERE state = 'pending' AND sequence > ? ORDER BY sequence LIMIT 1",
      sequence,
    )
    .toArray();
  return oldest?.admitted_at;
}

/** `admittedAt`: milliseconds since the epoch. */
export function oldestWaiting(sql: Sql): { admittedAt: number; sequence: number } | undefined {
  return sql
    .exec<{ admittedAt: number; sequence: number }>(
      "SELECT admitted_at AS admittedAt, sequence FROM tx WHERE state = 'pending' ORDER BY sequence LIMIT 1",
    )
    .toArray()[0];
}

/**
 * When something should have been in a block: a revocation since its request; a transaction since its approval, or since it has
 * waited as long as the rules allow. Only the last approval is known, so in the mode `auto` the earlier of the two counts:
 * otherwise requests that go on while the miner is away would make the oldest transaction look new. Null when nothing has to be.
 */
export function miningOwedSince(sql: Sql, rules: ChainRules): number | null {
  const revocation = nextRevocation(sql);
  if (revocation !== null) return revocation.requestedAt;
  const oldest = oldestWaiting(sql);
  if (oldest === undefined) return null;
  const { approvedAt, approvedThrough = 0 } = getValues(sql, ["approvedAt", "approvedThrough"]);
  const approved = approvedAt !== undefined && oldest.sequence <= approvedThrough ? approvedAt : Infinity;
  const due = rules.miningMode === "auto" ? oldest.admittedAt + rules.mineAfterSeconds * 1_000 : Infinity;
  const since = Math.min(approved, due);
  return since === Infinity ? null : since;
}

/**
 * Lists pending transactions in the order of their admission.
 * @param after sequence of the last transaction on the previous page
 */
export function pendingPage(
  sql: Sql,
  after: number | null,
  limit: number,
): readonly { txId: string; sequence: number; timestamp: number; admittedAt: number }[] {
  return sql
    .exec<{ txId: string; sequence: number; timestamp: number; admittedAt: number }>(
      `SELECT id AS txId, sequence, timestamp, admitted_at AS admittedAt FROM tx WHERE state = 'pending' AND sequence > ?
       ORDER BY sequence LIMIT ?`,
      after ?? 0,
      limit,
    )
    .toArray();
}
