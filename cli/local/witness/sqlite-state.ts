import { DatabaseSync } from "node:sqlite";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { advance, keepNote, lastNote, migrate } from "../../../shared/witness/state.ts";
import type { WitnessState } from "../../../shared/witness/witness.ts";

export interface SqliteState extends WitnessState {
  close(): void;
}

/** The memory of a witness in a file. SQLite syncs the file before a transaction ends, so an answer survives `kill -9`. */
export function openState(file: string): SqliteState {
  const database = new DatabaseSync(file);
  const sql = sqlOf(database);
  const transaction = <T>(work: () => T): T => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const answer = work();
      database.exec("COMMIT");
      return answer;
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  };
  transaction(() => migrate(sql));
  return {
    advance: async (origin, signed) => transaction(() => advance(sql, origin, signed)),
    keepNote: async (origin, size, note) => transaction(() => keepNote(sql, origin, size, note)),
    lastNote: async (origin) => lastNote(sql, origin),
    close: () => database.close(),
  };
}

function sqlOf(database: DatabaseSync): Sql {
  return {
    exec<Row extends Record<string, SqlStorageValue>>(query: string, ...bindings: SqlStorageValue[]) {
      const rows = database.prepare(query).all(...bindings.map(bindable));
      return { toArray: () => rows.map((row) => ({ ...row }) as Row) };
    },
  };
}

function bindable(value: SqlStorageValue): string | number | null {
  if (value instanceof ArrayBuffer) throw new TypeError("a witness stores no bytes");
  return value;
}
