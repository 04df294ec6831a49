import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../cli/local/stack/workers.ts";

const PAGES = ["README.md", "docs/deploy.md", "docs/rules.md"]
  .map((page) => readFileSync(join(ROOT, page), "utf8"))
  .join("\n");
/** The shell commands on these pages. */
const COMMANDS = [...PAGES.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = ""]) => text).join("\n");

function isIgnored(path: string): boolean {
  try {
    execFileSync("git", ["check-ignore", "--quiet", "--no-index", path], { cwd: ROOT });
    return true;
  } catch (error) {
    if ((error as { status?: number }).status === 1) return false;
    throw error;
  }
}

describe.runIf(existsSync(join(ROOT, ".git")))("git (needs a checkout)", () => {
  it.for([
    "keys.secret",
    "keys.next.secret",
    "keys.secret.json",
    "secrets/keys.json",
    "secrets/miner.json",
    "workers/miner/.dev.vars",
    ".dev.vars.production",
    ".env",
    "token.txt",
    "user.keys.json",
    "bob.keys.json",
    "chain.car",
    "chain.state",
  ])("ignores %s, as the pages and the examples call a file that must not be published", (path) => {
    expect(isIgnored(path)).toBe(true);
  });

  it("ignores whatever the commands of the pages write into the project", () => {
    const written = [...COMMANDS.matchAll(/ (?:>|keys .* -o) (\S+)/g)].map(([, path = ""]) => path);
    expect(written.length).toBeGreaterThan(0);
    expect(written.filter((path) => !isIgnored(path))).toEqual([]);
  });

  it("keeps what is no secret", () => {
    for (const path of ["README.md", "cli/files/setting.ts", "test/local/secrets.test.ts", "package.json"])
      expect(isIgnored(path)).toBe(false);
  });
});

it("docs/deploy.md hands wrangler JSON alone: it expands $ in other files, and prefers exported variables to them", () => {
  const files = [...COMMANDS.matchAll(/--secrets-file (\S+?)\)?$/gm)].map(([, file = ""]) => file);
  expect(files.length).toBeGreaterThan(1);
  for (const file of files)
    expect(
      file.startsWith("$")
        ? COMMANDS.includes(`${file.slice(1)}=secrets/$worker.json`)
        : file.endsWith(".json"),
    ).toBe(true);
});
