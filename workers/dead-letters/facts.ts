import type { Sql } from "../../shared/sqlite.ts";

/** Single values of the dead letters, each with its type. */
export interface Facts {
  /** R2's records are being read into a new storage: where the next page begins. Gone when all are. */
  reindex: { cursor: string | null };
  /** When the running replay may send again. */
  replayDue: number;
  /** After a failure outside, nothing is tried again before this. */
  pausedUntil: number;
}

export function readFact<Name extends keyof Facts>(sql: Sql, name: Name): Facts[Name] | undefined {
  const [row] = sql.exec<{ value: string }>("SELECT value FROM fact WHERE name = ?", name).toArray();
  return row && (JSON.parse(row.value) as Facts[Name]);
}

export function writeFact<Name extends keyof Facts>(sql: Sql, name: Name, value: Facts[Name]): void {
  sql.exec("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", name, JSON.stringify(value));
}

export function forgetFact(sql: Sql, name: keyof Facts): void {
  sql.exec("DELETE FROM fact WHERE name = ?", name);
}
