import type { Sql } from "../../../shared/durable-object/sqlite.ts";

type RollingRow = { next: number; round_began_at: number | null; verified_since: number | null };

/**
 * Returns the blocks that the rolling verification takes next. It goes round the chain in order, so the block that was verified
 * longest ago comes first. A new round begins at block 0.
 */
export function nextPart(
  sql: Sql,
  totalBlocks: number,
  most: number,
  now: number,
): { readonly first: number; readonly total: number } {
  const { next, round_began_at: beganAt } = rollingRow(sql);
  if (next > 0 && next < totalBlocks) return { first: next, total: Math.min(most, totalBlocks - next) };
  if (next > 0 && beganAt !== null) noteVerifiedSince(sql, beganAt);
  sql.exec("UPDATE rolling SET next = 0, round_began_at = ?", now);
  return { first: 0, total: Math.min(most, totalBlocks) };
}

/** Returns the id of the document behind which the rolling verification continues, in the order of ids. */
export function rollingDocumentsAfter(sql: Sql): string {
  const [row] = sql.exec<{ documents_after: string }>("SELECT documents_after FROM rolling").toArray();
  return row?.documents_after ?? "";
}

export function moveRollingDocuments(sql: Sql, after: string): void {
  sql.exec("UPDATE rolling SET documents_after = ?", after);
}

/** Notes that every block published by that time has been verified since. */
export function noteVerifiedSince(sql: Sql, time: number): void {
  sql.exec("UPDATE rolling SET verified_since = max(coalesce(verified_since, 0), ?)", time);
}

/** Milliseconds since the epoch; null before the first round is over. */
export function verifiedSince(sql: Sql): number | null {
  return rollingRow(sql).verified_since;
}

function rollingRow(sql: Sql): RollingRow {
  const [row] = sql.exec<RollingRow>("SELECT next, round_began_at, verified_since FROM rolling").toArray();
  if (row === undefined) throw new Error("the table of the rolling verification is empty");
  return row;
}
