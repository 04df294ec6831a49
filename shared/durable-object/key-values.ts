import type { Sql } from "./sqlite.ts";

/** Key values of a Durable Object, in its table `fact`. `Values` declares their names and types. */
export function keyValuesOf<Values extends object>() {
  type Name = keyof Values & string;
  return {
    getValue: <N extends Name>(sql: Sql, name: N): Values[N] | undefined => {
      const [row] = sql.exec<{ value: string }>("SELECT value FROM fact WHERE name = ?", name).toArray();
      return row && (JSON.parse(row.value) as Values[N]);
    },
    /** Reads several values in one statement. A name without a value is missing from the result. */
    getValues: <N extends Name>(sql: Sql, names: readonly N[]): { readonly [K in N]?: Values[K] } => {
      const rows = sql
        .exec<{ name: string; value: string }>(
          `SELECT name, value FROM fact WHERE name IN (${names.map(() => "?").join(", ")})`,
          ...names,
        )
        .toArray();
      const entries = rows.map(({ name, value }) => [name, JSON.parse(value)] as const);
      return Object.fromEntries(entries) as { readonly [K in N]?: Values[K] };
    },
    setValue: <N extends Name>(sql: Sql, name: N, value: Values[N]): void => {
      sql.exec("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", name, JSON.stringify(value));
    },
    deleteValue: (sql: Sql, name: Name): void => {
      sql.exec("DELETE FROM fact WHERE name = ?", name);
    },
  };
}
