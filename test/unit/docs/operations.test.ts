import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../../cli/local/stack/workers.ts";
import { vdcProgram } from "../../../cli/program.ts";
import { ALERTS } from "../../../shared/objects/alerts.ts";
import { listIn } from "../../support/assertions/lists.ts";

const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const RUNBOOK = read("docs/operations.md");
const COMMAND_LINE = read("docs/command-line.md");
const PROGRAM = await vdcProgram();

/** Returns every `vdc <command> [<subcommand>]` in a document. */
function commandsNamedIn(text: string): string[] {
  return [...text.matchAll(/vdc(?: --)? ([a-z-]+)(?: ([a-z-]+))?/g)].map(([, name = "", sub]) => {
    const group = PROGRAM.commands.find((command) => command.name() === name);
    return group !== undefined && group.commands.length > 0 && sub !== undefined ? `${name} ${sub}` : name;
  });
}

/** Returns every command. A command of a group has the group's name before it. */
function commands(): string[] {
  return PROGRAM.commands.flatMap((command) =>
    command.commands.length === 0
      ? [command.name()]
      : [command.name(), ...command.commands.map((sub) => `${command.name()} ${sub.name()}`)],
  );
}

describe("docs/operations.md", () => {
  it("names only commands that there are", () => {
    const named = commandsNamedIn(RUNBOOK).filter((name) => name !== "");
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !commands().includes(name))).toEqual([]);
  });

  it("says of every alert what it means and what to do", () => {
    const [, section = ""] = RUNBOOK.split("\n## When an alert comes\n");
    const rows = listIn(section.split("\n## ")[0] ?? "");
    expect(new Set(rows.map(([alert]) => alert))).toEqual(new Set(ALERTS));
    expect(rows).toHaveLength(ALERTS.length);
    for (const [alert, meaning = "", action = ""] of rows) {
      expect(meaning.length, alert).toBeGreaterThan(19);
      expect(action.length, alert).toBeGreaterThan(14);
    }
  });
});

describe("docs/command-line.md", () => {
  it("names every command of the command line", () => {
    const named = [...COMMAND_LINE.matchAll(/^- (.*?):/gms)].map(([, names = ""]) => names).join(" ");
    const missing = commands().filter((command) => {
      const [group = "", sub] = command.split(" ");
      const words = sub === undefined ? [group] : [group, sub];
      return !words.every((word) => new RegExp(`\\b${word}\\b`).test(named));
    });
    expect(missing.filter((command) => command !== "help")).toEqual([]);
  });
});
