import { migrateTo, type Sql } from "../../shared/durable-object/sqlite.ts";

/**
 * Each entry moves the schema one version on and never changes afterwards. `answers`: the sequence of the start of the action
 * that the entry finishes. `json` is an entry's canonical JSON, over which its hash is computed. The triggers guard against our
 * own mistakes: entries are added at the end and stay. A REPLACE deletes without firing a delete trigger, so it is refused as an
 * insert.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    "CREATE TABLE entry (sequence INTEGER PRIMARY KEY, answers INTEGER UNIQUE, json TEXT NOT NULL)",
    `CREATE TRIGGER entry_at_the_end BEFORE INSERT ON entry
      WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM entry)
        OR EXISTS (SELECT 1 FROM entry WHERE answers = NEW.answers)
      BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END`,
    "CREATE TRIGGER entry_stays BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
    "CREATE TRIGGER entry_as_it_is BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
  ],
];

export function migrate(sql: Sql): void {
  migrateTo(sql, MIGRATIONS, "the audit log's");
}
