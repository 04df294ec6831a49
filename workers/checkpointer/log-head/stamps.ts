import type { Sql } from "../../../shared/durable-object/sqlite.ts";

/** The newest time stamp of an authority. The stamp itself is in R2. */
export interface Stamp {
  readonly authority: string;
  /** Number of blocks of the stamped checkpoint. */
  readonly size: number;
  /** The time in the stamp, in milliseconds since the epoch. */
  readonly at: number;
}

/** Notes a stamp that R2 holds. A late report of an older one changes nothing. */
export function stamped(sql: Sql, { authority, size, at }: Stamp): void {
  const [known] = sql
    .exec<{ size: number }>("SELECT size FROM stamp WHERE authority = ?", authority)
    .toArray();
  if (known !== undefined && known.size >= size) return;
  sql.exec("INSERT OR REPLACE INTO stamp (authority, size, at) VALUES (?, ?, ?)", authority, size, at);
}

const MOST_AUTHORITIES = 100;

export function stamps(sql: Sql): Stamp[] {
  return sql
    .exec<StampRow>("SELECT authority, size, at FROM stamp ORDER BY authority LIMIT ?", MOST_AUTHORITIES)
    .toArray();
}

type StampRow = { authority: string; size: number; at: number };
