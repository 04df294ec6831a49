import { fromHex, hex } from "../crypto/bytes.ts";
import { migrateTo, type Sql } from "../durable-object/sqlite.ts";
import { decide, NO_TREE, type Decision, type SignedTree, type Tree } from "./decide.ts";

/**
 * The table has a row for each log that the witness has cosigned. `note` is the last cosigned note; it is null, or older than the tree, while
 * the witness is signing. The triggers guard against our own mistakes: a witness that forgets or goes back is none.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    "CREATE TABLE log (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root TEXT NOT NULL, note TEXT) WITHOUT ROWID",
    `CREATE TRIGGER log_grows BEFORE UPDATE ON log
      WHEN NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
      BEGIN SELECT RAISE(ABORT, 'a witness never goes back'); END`,
    "CREATE TRIGGER log_stays BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'a witness never forgets'); END",
  ],
];

export function migrate(sql: Sql): void {
  migrateTo(sql, MIGRATIONS, "the witness's");
}

/** Decides about a signed tree and stores it when the witness may cosign it. The caller runs it in one transaction. */
export function advance(sql: Sql, origin: string, signed: SignedTree): Decision {
  const decision = decide(treeOf(sql, origin), signed);
  if (decision.kind === "advanced")
    sql.exec(
      `INSERT INTO log (origin, size, root) VALUES (?, ?, ?)
       ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root`,
      origin,
      signed.size,
      hex(signed.root),
    );
  return decision;
}

/** Keeps a cosigned note, unless the witness has cosigned a larger tree meanwhile. */
export function keepNote(sql: Sql, origin: string, size: number, note: string): void {
  sql.exec("UPDATE log SET note = ? WHERE origin = ? AND size = ?", note, origin, size);
}

/** Reads the last cosigned note of a log. */
export function lastNote(sql: Sql, origin: string): string | undefined {
  const [row] = sql.exec<{ note: string | null }>("SELECT note FROM log WHERE origin = ?", origin).toArray();
  return row?.note ?? undefined;
}

function treeOf(sql: Sql, origin: string): Tree {
  const [row] = sql
    .exec<{ size: number; root: string }>("SELECT size, root FROM log WHERE origin = ?", origin)
    .toArray();
  return row === undefined ? NO_TREE : { size: row.size, root: fromHex(row.root) };
}
