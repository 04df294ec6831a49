import type { DatabaseSync } from "node:sqlite";

/** Tables with a limited number of rows, each with the reason. A scan of such a table is bounded. */
const SMALL_TABLES: Readonly<Record<string, string>> = {
  schema_migration: "one row for each version of the schema",
  signing_key: "one row for each key that an operator has rotated to",
  key_revocation: "a few rows for each retired key, by an operator: each revokes it from an earlier block on",
  ignored_event: "one row for each reason, and the reasons are a closed list",
  message: "one row for each stage and outcome",
  failure: "one row a stage",
  tier_operation: "one row for each tier and operation",
  troubled: "one row for each status and tier",
  rehydrated: "one row for each tier, and one for the index",
  counted: "one row for each state and stage",
  run: "forgetOld keeps the latest 50 runs",
  result: "500 reports of each of 50 runs, looked up by the run",
  document_result: "500 reports of each of 50 runs, looked up by the run",
  document_count: "one row for each status",
  reindex: "one row: CHECK (only = 1)",
  rolling: "one row: CHECK (only = 1)",
  standing: "one row: CHECK (only = 1)",
  writing: "one row: CHECK (only = 1)",
  recovery: "one row for each stage",
  uploaded: "one row: CHECK (only = 1)",
};

/** Indexes that are short as a whole or hold a limited number of rows for each key, each with the reason. */
const SHORT_INDEXES: Readonly<Record<string, string>> = {
  tx_of_block: "a block holds at most BLOCK_MAX_TRANSACTIONS",
  block_unfinished: "MAX_BLOCKS_IN_FLIGHT, and after a restore the blocks that were in flight before it",
  block_foreign_cid: "blocks with a CID that is not ours: there must be none",
  entry_of_envelope: "the dead letters of one transaction",
  entry_of_block: "the dead letters of one block: one for each stage",
};

/**
 * Statements that may read many rows, by a part of their text, with the reason. No decision, message or cron runs them.
 */
export const LISTED_STATEMENTS: Readonly<Record<string, string>> = {
  "FROM entry WHERE TRUE": "an operator's list, plan or replay of dead letters, by a filter",
  "FROM entry WHERE id IN": "an operator's plan or replay of dead letters that were named, at most 1,000",
  "INSERT INTO entry": "one entry, by its id",
  "UPDATE block SET first_entry = earlier.entries": "a migration, which runs once",
  "UPDATE block SET state = 'sealed', ipfs_hash = NULL": "the end of a restore, which an operator asked for",
};

/**
 * Returns the steps of SQLite's query plan that read an unlimited number of rows. The list is empty if the statement's
 * cost does not grow with its tables.
 * A step is bounded if it looks up a unique key, if it reads a table or index listed above, or if LIMIT ends it. In the
 * last case the index must provide the order and answer every condition.
 */
export function unboundedSteps(database: DatabaseSync, statement: string): string[] {
  const query = statement.replaceAll(/\s+/g, " ").trim();
  if (Object.keys(LISTED_STATEMENTS).some((listed) => query.includes(listed))) return [];
  if (query.startsWith("CREATE TRIGGER"))
    return bodyOf(query).flatMap((inner) => unboundedSteps(database, inner));
  if (!/^(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b/.test(query)) return [];
  const steps = database
    .prepare(`EXPLAIN QUERY PLAN ${query}`)
    .all()
    .map(({ detail }) => String(detail));
  const isSorted = steps.some((step) => step.includes("TEMP B-TREE"));
  return steps.filter((step) => !isBounded(database, query, step, isSorted));
}

/** Returns the statements of a trigger, with parameters in place of the row's columns. */
function bodyOf(trigger: string): string[] {
  const [head = "", body = ""] = trigger.split(/\bBEGIN\b/);
  const condition = /\bWHEN\b(.*)$/.exec(head)?.[1];
  const statements = body.replace(/\bEND$/, "").split(";");
  return [...(condition === undefined ? [] : [`SELECT 1 WHERE ${condition}`]), ...statements]
    .map((text) => text.replaceAll(/\b(?:NEW|OLD)\.\w+/g, "?").trim())
    .filter((text) => text !== "" && !text.includes("RAISE("));
}

const STEP = /^(SEARCH|SCAN) (\w+)(?: USING (.*?))?(?: LEFT-JOIN)?$/;

function isBounded(database: DatabaseSync, query: string, step: string, isSorted: boolean): boolean {
  const [, , name = "", access = ""] = STEP.exec(step) ?? [];
  if (!/^(?:SEARCH|SCAN) /.test(step) || / VIRTUAL TABLE | CONSTANT ROW/.test(step)) return true;
  const table = new RegExp(`(\\w+) AS ${name}\\b`).exec(query)?.[1] ?? name;
  const [columns] = database.prepare("SELECT count(*) AS n FROM pragma_table_info(?)").all(table);
  if (columns?.n === 0) return true; // a subquery, whose own steps are checked
  const index = /INDEX (\w+)/.exec(access)?.[1];
  if (SMALL_TABLES[table] !== undefined || (index !== undefined && SHORT_INDEXES[index] !== undefined))
    return true;
  const terms = /\((.*)\)$/.exec(access)?.[1]?.split(" AND ") ?? [];
  if (isUnique(database, table, access, index, terms)) return true;
  if (step.startsWith("SEARCH") && terms.length === 0) return /\b(?:max|min)\(/.test(query);
  return /\bLIMIT\b/.test(query) && !isSorted && residue(database, query, index) <= terms.length;
}

function isUnique(
  database: DatabaseSync,
  table: string,
  access: string,
  index: string | undefined,
  terms: readonly string[],
): boolean {
  if (terms.length === 0 || !terms.every((term) => term.endsWith("=?") && !/[<>]/.test(term))) return false;
  if (access.startsWith("INTEGER PRIMARY KEY")) return true;
  const [row] =
    index === undefined
      ? database.prepare("SELECT count(*) AS n FROM pragma_table_info(?) WHERE pk > 0").all(table)
      : database
          .prepare(
            `SELECT (SELECT count(*) FROM pragma_index_info(list.name)) AS n
             FROM pragma_index_list(?) AS list WHERE list.name = ? AND list."unique" = 1`,
          )
          .all(table, index);
  return row?.n === terms.length;
}

/** Counts the conditions of the limited SELECT that the partial index does not already contain. */
function residue(database: DatabaseSync, query: string, index: string | undefined): number {
  const before = query.slice(0, query.lastIndexOf(" LIMIT "));
  const where = /^(.*?)(?: ORDER BY .*)?$/.exec(before.split(" WHERE ").slice(1).at(-1) ?? "")?.[1] ?? "";
  const [defined] = database.prepare("SELECT sql FROM sqlite_schema WHERE name = ?").all(index ?? "");
  const partial = conditions(String(defined?.sql ?? "").split(" WHERE ")[1] ?? "");
  return conditions(where).filter((term) => !partial.includes(term)).length;
}

function conditions(where: string): string[] {
  return where
    .split(" AND ")
    .map((term) => term.trim())
    .filter((term) => !["", "1", "TRUE"].includes(term));
}
