import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { unboundedSteps } from "../assertions/bounded.ts";

export interface MemorySql extends Sql {
  /** Works like the Durable Object's `transactionSync`: if `work` throws, everything that it wrote is rolled back. */
  transaction<T>(work: () => T): T;
  /** Runs a test's own statement, which may read whole tables. */
  look<Row>(query: string, ...bindings: SqlStorageValue[]): Row[];
}

/**
 * SQLite's plan for a statement follows from the schema, so each statement is checked once for each schema, not once
 * for each database.
 */
interface Schema {
  readonly checked: Set<string>;
  /** The schemas after this one, by the statement that makes the change. */
  readonly next: Map<string, Schema>;
}

const NO_TABLES: Schema = { checked: new Set(), next: new Map() };
const CHANGES_SCHEMA = /^\s*(?:CREATE|ALTER|DROP)\b/i;

function schemaAfter({ next }: Schema, change: string): Schema {
  const known = next.get(change) ?? { checked: new Set(), next: new Map() };
  next.set(change, known);
  return known;
}

/**
 * A Durable Object's `Sql` on Node's own SQLite, in memory. Each call runs one statement, with rows or without. A
 * statement whose cost grows with its tables throws, so every unit test proves that its statements are bounded.
 */
export function memorySql(): MemorySql {
  const database = new DatabaseSync(":memory:");
  const prepared = new Map<string, StatementSync>();
  const statement = (query: string) => {
    const known = prepared.get(query) ?? database.prepare(query);
    prepared.set(query, known);
    return known;
  };
  let schema = NO_TABLES;
  const check = (query: string) => {
    if (schema.checked.has(query)) return;
    const steps = unboundedSteps(database, query);
    if (steps.length > 0)
      throw new Error(
        `${query}\nreads without a bound: ${steps.join("; ")}. See test/support/assertions/bounded.ts`,
      );
    schema.checked.add(query);
  };
  return {
    exec<Row extends Record<string, SqlStorageValue>>(query: string, ...bindings: SqlStorageValue[]) {
      // Runs the statement at once, as the Durable Object does, also for a caller that ignores the rows.
      check(query);
      const rows = statement(query).all(...bindings.map(bindable));
      if (CHANGES_SCHEMA.test(query)) schema = schemaAfter(schema, query);
      return { toArray: () => rows.map((row) => ({ ...row }) as Row) };
    },
    look<Row>(query: string, ...bindings: SqlStorageValue[]) {
      return database.prepare(query).all(...bindings.map(bindable)) as Row[];
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
  if (value instanceof ArrayBuffer) throw new TypeError("no Durable Object stores bytes");
  return value;
}
