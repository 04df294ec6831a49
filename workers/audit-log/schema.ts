import type { Sql } from "../chain-head/schema.ts";

/**
 * Each entry moves the schema one version on and is never changed afterwards.
 * `json` is an entry's canonical JSON: what was hashed. No statement can change or delete one, whatever code runs it.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    "CREATE TABLE entry (sequence INTEGER PRIMARY KEY, answers INTEGER UNIQUE, json TEXT NOT NULL)",
    "CREATE TRIGGER entry_stays BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
    "CREATE TRIGGER entry_as_is BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
  ],
];

export function migrate(sql: Sql): void {
  sql.exec("CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER PRIMARY KEY)");
  const [row] = sql
    .exec<{ version: number | null }>("SELECT max(version) AS version FROM schema_migration")
    .toArray();
  const current = row?.version ?? 0;
  // A newer schema than this code knows must not be written to by it.
  if (current > MIGRATIONS.length)
    throw new Error(
      `the audit log's storage has schema ${current}, this code knows ${MIGRATIONS.length}: deploy the newer code`,
    );
  for (const [i, statements] of MIGRATIONS.entries()) {
    if (i < current) continue;
    for (const statement of statements) sql.exec(statement);
    sql.exec("INSERT INTO schema_migration (version) VALUES (?)", i + 1);
  }
}
