import { migrateTo, type Sql } from "../../shared/durable-object/sqlite.ts";

/** Each entry moves the schema one version on and never changes afterwards. */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE message (
      stage TEXT, outcome TEXT, count INTEGER NOT NULL, PRIMARY KEY (stage, outcome)
    ) WITHOUT ROWID`,
    `CREATE TABLE tier_operation (
      tier TEXT, operation TEXT, errors INTEGER NOT NULL, seconds TEXT NOT NULL, PRIMARY KEY (tier, operation)
    ) WITHOUT ROWID`,
    "CREATE TABLE alert (name TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID",
  ],
  [
    "ALTER TABLE message ADD COLUMN last_at INTEGER",
    `CREATE TABLE failure (
      stage TEXT PRIMARY KEY, at INTEGER NOT NULL, attempts INTEGER NOT NULL, error TEXT NOT NULL, next_retry_at INTEGER
    ) WITHOUT ROWID`,
  ],
];

export function migrate(sql: Sql): void {
  migrateTo(sql, MIGRATIONS, "the monitor's");
}
