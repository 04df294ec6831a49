import type { Sql } from "../../../shared/durable-object/sqlite.ts";

const DAY_MS = 86_400_000;

/** A user's upload quota for one day (UTC). */
export interface Quota {
  readonly granted: boolean;
  /** Bytes of this day's uploads, including those just granted. */
  readonly usedBytes: number;
  /** When the count begins anew, in milliseconds since the epoch. */
  readonly resetsAt: number;
}

type Used = { day: number; bytes: number };

export const QUOTA_TABLE =
  "CREATE TABLE uploaded (only INTEGER PRIMARY KEY CHECK (only = 1), day INTEGER NOT NULL, bytes INTEGER NOT NULL)";

/** Counts bytes before they are stored. The table has one row, however many uploads there are. */
export function reserveBytes(sql: Sql, bytes: number, mostBytes: number, now: number): Quota {
  const day = Math.floor(now / DAY_MS);
  const resetsAt = (day + 1) * DAY_MS;
  const used = usedOn(sql, day);
  if (used + bytes > mostBytes) return { granted: false, usedBytes: used, resetsAt };
  sql.exec("INSERT OR REPLACE INTO uploaded (only, day, bytes) VALUES (1, ?, ?)", day, used + bytes);
  return { granted: true, usedBytes: used + bytes, resetsAt };
}

/** Gives back the bytes of a failed upload. On another day there is nothing to give back. */
export function releaseBytes(sql: Sql, bytes: number, resetsAt: number): void {
  const day = resetsAt / DAY_MS - 1;
  sql.exec("UPDATE uploaded SET bytes = max(0, bytes - ?) WHERE day = ?", bytes, day);
}

function usedOn(sql: Sql, day: number): number {
  const [used] = sql.exec<Used>("SELECT day, bytes FROM uploaded").toArray();
  return used?.day === day ? used.bytes : 0;
}
