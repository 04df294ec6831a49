import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { facts, table } from "../../../cli/output/table.ts";
import { mark } from "../../../cli/output/words.ts";

/** A reason that an operator, or a thief of the secret, may give. */
const FORGED = "fine\n99  2026-11-22T19:57:20Z  alice (access)\r\u001b[2J\u009b1A\u0007";

describe("a cell", () => {
  it("stays in its row when it holds line breaks: it can't pass for rows of its own", () => {
    expect(table(["entry", "why"], [[1, FORGED]]).split("\n")).toHaveLength(2);
    expect(facts([["why", FORGED]]).split("\n")).toHaveLength(1);
  });

  it("can't move the cursor, clear the screen or ring the bell [T25]", () => {
    for (const text of [table(["why"], [[FORGED]]), facts([["why", FORGED]])])
      expect(stripVTControlCharacters(text)).toSatisfy((shown: string) => !/[^\P{Cc}\n]/u.test(shown));
    expect(table(["why"], [[FORGED]])).not.toContain("\u001b[2J");
  });

  it("keeps our own colours", () => {
    expect(table([""], [[mark(true)]])).toContain(mark(true));
  });
});
