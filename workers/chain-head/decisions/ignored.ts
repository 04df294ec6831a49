import type { Sql } from "../storage/schema.ts";

/** Counts a Stripe event that is not for this deployment, so that every delivered event can be accounted for. */
export function countIgnored(sql: Sql, reason: string): void {
  sql.exec(
    "INSERT INTO ignored_event (reason, count) VALUES (?, 1) ON CONFLICT (reason) DO UPDATE SET count = count + 1",
    reason,
  );
}

export function ignoredCounts(sql: Sql): Record<string, number> {
  const rows = sql
    .exec<{ reason: string; count: number }>("SELECT reason, count FROM ignored_event ORDER BY reason")
    .toArray();
  return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]));
}
