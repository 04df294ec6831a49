/** The part of a Durable Object's SQLite that decisions need, so that tests can run them on another SQLite. */
export interface Sql {
  exec<Row extends Record<string, SqlStorageValue>>(
    query: string,
    ...bindings: SqlStorageValue[]
  ): { toArray(): Row[] };
}

/**
 * Brings the storage to the newest schema. Each of `migrations` moves it one version on and is never changed afterwards.
 * @param whose names the object in the error
 * @throws Error when the storage has a newer schema than this code knows: the code must not write to it
 */
export function migrateTo(sql: Sql, migrations: readonly (readonly string[])[], whose: string): void {
  sql.exec("CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER PRIMARY KEY)");
  const [row] = sql
    .exec<{ version: number | null }>("SELECT max(version) AS version FROM schema_migration")
    .toArray();
  const current = row?.version ?? 0;
  if (current > migrations.length)
    throw new Error(
      `${whose} storage has schema ${current}, this code knows ${migrations.length}: deploy the newer code`,
    );
  for (const [i, statements] of migrations.entries()) {
    if (i < current) continue;
    for (const statement of statements) sql.exec(statement);
    sql.exec("INSERT INTO schema_migration (version) VALUES (?)", i + 1);
  }
}
