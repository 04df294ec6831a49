import type { Sql } from "../../shared/durable-object/sqlite.ts";

/** The object's storage. A decision is one synchronous transaction: it takes effect as a whole or not at all. */
export interface Store {
  readonly sql: Sql;
  decide<T>(decision: (now: number) => T): T;
}
