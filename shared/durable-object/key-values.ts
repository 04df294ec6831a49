import type { Sql } from "./sqlite.ts";

/** Key values of a Durable Object, in its table `fact`. `Facts` declares their names and types. */
export function factsOf<Facts extends object>() {
  type Name = keyof Facts & string;
  return {
    readFact: <N extends Name>(sql: Sql, name: N): Facts[N] | undefined => {
      const [row] = sql.exec<{ value: string }>("SELECT value FROM fact WHERE name = ?", name).toArray();
      return row && (JSON.parse(row.value) as Facts[N]);
    },
    /** Reads several values in one statement. A name without a value is missing from the result. */
    readFacts: <N extends Name>(sql: Sql, names: readonly N[]): { readonly [K in N]?: Facts[K] } => {
      const rows = sql
        .exec<{ name: string; value: string }>(
          `SELECT name, value FROM fact WHERE name IN (${names.map(() => "?").join(", ")})`,
          ...names,
        )
        .toArray();
      const entries = rows.map(({ name, value }) => [name, JSON.parse(value)] as const);
      return Object.fromEntries(entries) as { readonly [K in N]?: Facts[K] };
    },
    writeFact: <N extends Name>(sql: Sql, name: N, value: Facts[N]): void => {
      sql.exec("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", name, JSON.stringify(value));
    },
    forgetFact: (sql: Sql, name: Name): void => {
      sql.exec("DELETE FROM fact WHERE name = ?", name);
    },
  };
}
