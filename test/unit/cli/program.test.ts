import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { vdcProgram } from "../../../cli/program.ts";

interface Named {
  /** The words of the command, for example `storage verify`. */
  readonly path: string;
  readonly command: Command;
}

function commandsBelow(command: Command, path: readonly string[] = []): Named[] {
  return command.commands.flatMap((sub) => {
    const here = [...path, sub.name()];
    return [{ path: here.join(" "), command: sub }, ...commandsBelow(sub, here)];
  });
}

const all = commandsBelow(await vdcProgram());
const leaves = all.filter(({ command }) => command.commands.length === 0);

function helpOf({ command }: Named): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

describe("the command line", () => {
  it("has the commands that an operator needs", () => {
    expect(leaves.map(({ path }) => path).toSorted()).toEqual(
      [
        "status",
        "mine",
        "pending",
        "tx show",
        "tx submit",
        "tx transfer",
        "activation issue",
        "document put",
        "document get",
        "document find",
        "user create",
        "user register",
        "user show",
        "user metadata get",
        "user metadata put",
        "privacy erase",
        "privacy show",
        "block",
        "proof get",
        "proof refresh",
        "verify chain",
        "verify document",
        "verify proof",
        "verify tx",
        "monitor",
        "export",
        "restore",
        "resume",
        "doctor",
        "pay",
        "keys generate",
        "keys rotate",
        "keys witness",
        "keys revoke",
        "secrets check",
        "storage status",
        "storage verify",
        "storage verify-all",
        "storage bring",
        "storage bring-documents",
        "storage bring-records",
        "storage documents",
        "storage verify-document",
        "storage runs",
        "storage abort",
        "storage resume",
        "dead-letters list",
        "dead-letters show",
        "dead-letters replay",
        "dead-letters dismiss",
        "dead-letters replays",
        "dead-letters abort",
        "audit list",
        "audit verify",
      ].toSorted(),
    );
  });

  it("documents each exit code", async () => {
    let help = "";
    (await vdcProgram("")).configureOutput({ writeOut: (part) => (help += part) }).outputHelp();
    for (const code of Object.values(EXIT)) expect(help).toMatch(new RegExp(`^  ${code}  \\S`, "m"));
    expect(new Set(Object.values(EXIT)).size).toBe(Object.values(EXIT).length);
  });
});

describe.for(all)("vdc $path", (named) => {
  it("says what it does, and shows an example of itself", () => {
    expect(named.command.description().length).toBeGreaterThan(10);
    const help = helpOf(named);
    const [, examples = ""] = /\nExamples?:\n([^]+)$/.exec(help) ?? [];
    expect(examples).toContain(`vdc -- ${named.path}`);
  });
});

describe.for(leaves)("vdc $path", (named) => {
  const options = named.command.options.map(({ long }) => long);

  it("gives JSON", () => {
    expect(options).toContain("--json");
  });

  it("takes no secret as an option [T28]", () => {
    expect(options.filter((name) => /secret|token|password|jwt/.test(name ?? ""))).toEqual([]);
  });
});
