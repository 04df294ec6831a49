import type { DeadLetterFilter } from "../../../shared/api/dead-letters.ts";

/** An operator's filter. It may be empty, and then takes all entries. */
export type Filter = DeadLetterFilter;

/** Builds an SQL condition over the columns of `entry`. Values are bound, never written into the text. */
export function conditionOf(
  filter: Filter,
  now: number,
): { readonly where: string; readonly bindings: readonly (string | number)[] } {
  const { minAgeSeconds, maxAgeSeconds } = filter;
  const conditions: [sql: string, value: string | number | undefined][] = [
    ["stage = ?", filter.stage],
    ["reason = ?", filter.reason],
    ["tx_id = ?", filter.txId],
    ["block_number = ?", filter.blockNumber],
    ["state = ?", filter.state],
    ["first_seen <= ?", minAgeSeconds === undefined ? undefined : now - minAgeSeconds * 1_000],
    ["first_seen >= ?", maxAgeSeconds === undefined ? undefined : now - maxAgeSeconds * 1_000],
  ];
  const given = conditions.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]));
  return {
    where: ["TRUE", ...given.map(({ sql }) => sql)].join(" AND "),
    bindings: given.map(({ value }) => value),
  };
}
