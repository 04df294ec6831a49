import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { LISTED_STATEMENTS, unboundedSteps } from "./bounded.ts";
import { sources } from "../../contract/sources.ts";

function database(): DatabaseSync {
  const made = new DatabaseSync(":memory:");
  made.exec("CREATE TABLE item (id TEXT PRIMARY KEY, state TEXT, at INTEGER, done INTEGER) WITHOUT ROWID");
  made.exec("CREATE TABLE numbered (number INTEGER PRIMARY KEY, state TEXT)");
  made.exec("CREATE INDEX item_open ON item (at, id) WHERE state = 'open'");
  made.exec("CREATE INDEX item_of_state ON item (state, at)");
  return made;
}

const steps = (statement: string) => unboundedSteps(database(), statement);

describe("a statement is bounded", () => {
  it.for([
    "SELECT * FROM item WHERE id = ?",
    "UPDATE item SET done = 1 WHERE id IN (SELECT value FROM json_each(?)) AND +state = 'open'",
    "SELECT * FROM item WHERE state = 'open' AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?",
    "SELECT at FROM item WHERE state = ? ORDER BY at LIMIT 1",
    "SELECT * FROM numbered WHERE number = (SELECT max(number) FROM numbered)",
    "SELECT * FROM numbered ORDER BY number DESC LIMIT 1",
    "INSERT INTO item (id, state) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
    "CREATE TRIGGER t AFTER UPDATE ON item BEGIN UPDATE item SET done = 1 WHERE id = NEW.id; END",
  ])("when it looks up keys, or when an index and LIMIT end it: %s", (statement) => {
    expect(steps(statement)).toEqual([]);
  });

  it.for([
    "SELECT * FROM item",
    "SELECT count(*) AS n FROM item WHERE state = 'open'",
    "UPDATE item SET done = 1 WHERE state = 'open'",
    "SELECT * FROM item WHERE state = 'open' AND done = 0 ORDER BY at, id LIMIT 1",
    "SELECT * FROM item WHERE state = ? ORDER BY done LIMIT 1",
    "SELECT * FROM numbered WHERE state <> 'x' ORDER BY number DESC LIMIT 1",
    "DELETE FROM item WHERE at < ?",
    "CREATE TRIGGER t AFTER UPDATE ON item BEGIN UPDATE item SET done = 1 WHERE at = NEW.at; END",
  ])("and is not when it filters, sorts, counts or changes as many rows as there are: %s", (statement) => {
    expect(steps(statement)).not.toEqual([]);
  });
});

it("the listed statements stand in the code", () => {
  const code = sources("workers/**/*.ts")
    .map(({ text }) => text.replaceAll(/\s+/g, " "))
    .join("\n");
  const gone = Object.keys(LISTED_STATEMENTS).filter(
    (listed) => !code.includes(listed) && !code.includes(listed.replace(/^FROM entry WHERE /, "")),
  );
  expect(gone).toEqual([]);
});
