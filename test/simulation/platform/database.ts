import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

type Row = Record<string, unknown>;

interface Prepared {
  readonly statement: StatementSync;
  columns: readonly string[];
  readonly onlyReads: boolean;
}

/**
 * A Durable Object's SQLite database, in memory. All writes belong to one transaction until it is committed. Each
 * statement is prepared once.
 */
export class SimulatedDatabase {
  readonly #database = new DatabaseSync(":memory:");
  readonly #prepared = new Map<string, Prepared>();

  constructor() {
    this.#run("BEGIN");
  }

  rows(query: string, bindings: readonly SQLInputValue[] = []): Row[] {
    const prepared = this.#prepare(query);
    const found = prepared.statement.all(...bindings) as unknown as readonly unknown[][];
    if (found.length === 0) return [];
    // A migration may have added a column that `*` includes.
    if (prepared.columns.length !== found[0]?.length)
      prepared.columns = prepared.statement.columns().map(({ name }) => name);
    return found.map((values) => rowOf(prepared.columns, values));
  }

  onlyReads(query: string): boolean {
    return this.#prepare(query).onlyReads;
  }

  /** Undoes what `work` wrote when it throws. @throws what `work` throws */
  allOrNothing<T>(work: () => T): T {
    this.#run("SAVEPOINT decision");
    try {
      const answer = work();
      this.#run("RELEASE decision");
      return answer;
    } catch (error) {
      this.#run("ROLLBACK TO decision");
      this.#run("RELEASE decision");
      throw error;
    }
  }

  commit(): void {
    this.#run("COMMIT");
    this.#run("BEGIN");
  }

  rollBack(): void {
    this.#run("ROLLBACK");
    this.#run("BEGIN");
  }

  close(): void {
    this.#database.close();
  }

  #run(query: string): void {
    this.#prepare(query).statement.run();
  }

  #prepare(query: string): Prepared {
    const known = this.#prepared.get(query);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(query);
    statement.setReturnArrays(true);
    const prepared = { statement, columns: [], onlyReads: /^\s*SELECT/i.test(query) };
    this.#prepared.set(query, prepared);
    return prepared;
  }
}

function rowOf(columns: readonly string[], values: readonly unknown[]): Row {
  const row: Row = {};
  for (let i = 0; i < columns.length; i++) row[columns[i] as string] = values[i];
  return row;
}
