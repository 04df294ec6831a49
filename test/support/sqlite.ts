import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Sql } from "../../workers/chain-head/schema.ts";

export interface MemorySql extends Sql {
  /** As the Durable Object's `transactionSync`, and a throw rolls back: what a decision left half-done is gone. */
  transaction<T>(work: () => T): T;
}

/** The chain head's `Sql` on Node's own SQLite, in memory. One statement a call, with rows or without. */
export function memorySql(): MemorySql {
  const database = new DatabaseSync(":memory:");
  const prepared = new Map<string, StatementSync>();
  const statement = (query: string) => {
    const known = prepared.get(query) ?? database.prepare(query);
    prepared.set(query, known);
    return known;
  };
  return {
    exec<Row extends Record<string, SqlStorageValue>>(query: string, ...bindings: SqlStorageValue[]) {
      // Run at once, as the Durable Object does: a caller that ignores the rows still has its effect.
      const rows = statement(query).all(...bindings.map(bindable));
      return { toArray: () => rows.map((row) => ({ ...row }) as Row) };
    },
    transaction(work) {
      database.exec("BEGIN");
      try {
        const answer = work();
        database.exec("COMMIT");
        return answer;
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      }
    },
  };
}

function bindable(value: SqlStorageValue): string | number | null {
  if (value instanceof ArrayBuffer) throw new TypeError("the chain head stores no bytes");
  return value;
}
