import type { AuditPage } from "../../shared/api/audit.ts";
import type { AuditEntry } from "../../shared/chain/audit-chain.ts";
import type { Sql } from "../../shared/durable-object/sqlite.ts";

/**
 * `newest`: the page runs backwards from `from`, or from the end. Otherwise it runs forwards from `from`, or from the beginning.
 */
export interface PageRequest {
  readonly from: number | undefined;
  readonly limit: number;
  readonly newest: boolean;
}

/** Returns entries as they are stored, valid or not, so that a verifier sees an invalid one. */
export function page(sql: Sql, { from, limit, newest: backwards }: PageRequest): AuditPage {
  const last = newest(sql);
  if (last === undefined) return { entries: [], next: null, head: null };
  const entries = backwards
    ? entriesOf(sql, "sequence <= ? ORDER BY sequence DESC LIMIT ?", from ?? last.sequence, limit)
    : entriesOf(sql, "sequence >= ? ORDER BY sequence LIMIT ?", from ?? 1, limit);
  const end = backwards ? 1 : last.sequence;
  const shown = entries.at(-1)?.sequence ?? end;
  return {
    entries,
    next: shown === end ? null : shown + (backwards ? -1 : 1),
    head: { sequence: last.sequence, hash: last.hash },
  };
}

export function newest(sql: Sql): AuditEntry | undefined {
  return entriesOf(sql, "1 ORDER BY sequence DESC LIMIT 1")[0];
}

export function entryAt(sql: Sql, sequence: number): AuditEntry | undefined {
  return entriesOf(sql, "sequence = ?", sequence)[0];
}

/** Returns the entry that records the end of the action that `start` began. */
export function finishOf(sql: Sql, start: number): AuditEntry | undefined {
  return entriesOf(sql, "answers = ?", start)[0];
}

function entriesOf(sql: Sql, which: string, ...bindings: number[]): AuditEntry[] {
  return sql
    .exec<{ json: string }>(`SELECT json FROM entry WHERE ${which}`, ...bindings)
    .toArray()
    .map(({ json }) => JSON.parse(json) as AuditEntry);
}
