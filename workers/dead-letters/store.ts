import type { Sql } from "../../shared/sqlite.ts";

/** The object's storage. A decision is one synchronous transaction: all of it happens, or nothing. */
export interface Store {
  readonly sql: Sql;
  decide<T>(decision: (now: number) => T): T;
}
