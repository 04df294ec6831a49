import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { OPTIONAL_SECRETS, secretNamesOf } from "../../../cli/local/stack/secrets.ts";
import { WORKER_NAMES } from "../../../cli/local/stack/workers.ts";
import { vdc } from "../../support/stack/command-line.ts";
import { scratch } from "./chains.ts";

/** Makes a folder with the secrets file of every Worker that has secrets. */
function sound(): string {
  const folder = scratch();
  for (const worker of WORKER_NAMES) {
    const names = secretNamesOf(worker).filter((name) => !OPTIONAL_SECRETS.includes(name));
    if (names.length > 0)
      writeFileSync(
        join(folder, `${worker}.json`),
        JSON.stringify(Object.fromEntries(names.map((n) => [n, "v4lue"]))),
        {
          mode: 0o600,
        },
      );
  }
  return folder;
}

describe("vdc secrets check", () => {
  it("finds nothing wrong with what the README asks for", async () => {
    expect(await vdc(["secrets", "check", sound()])).toMatchObject({ code: EXIT.ok });
  });

  it.for<[string, (folder: string) => void, RegExp]>([
    [
      "a missing file",
      (folder) => rmSync(join(folder, "miner.json")),
      /miner\.json is missing.*SYSTEM_KEYRING/,
    ],
    ["no JSON", (folder) => writeFileSync(join(folder, "miner.json"), "A=v4lue"), /must hold a JSON object/],
    [
      "an empty secret",
      (f) => writeFileSync(join(f, "gateway.json"), '{"ADMIN_SECRET":""}'),
      /does not set ADMIN_SECRET/,
    ],
    [
      "a secret of another Worker",
      (f) => writeFileSync(join(f, "gateway.json"), '{"ADMIN_SECRET":"v4lue","SYSTEM_KEYRING":"v4lue"}'),
      /SYSTEM_KEYRING, which gateway does not need/,
    ],
    [
      "a file that others can read",
      (f) => chmodSync(join(f, "gateway.json"), 0o644),
      /chmod 600 .*gateway\.json/,
    ],
    [
      "a file that git would take up",
      (f) => execFileSync("git", ["init", "--quiet", f]),
      /git does not ignore .*gateway\.json/,
    ],
  ])("refuses %s, and shows no value", async ([, spoil, message]) => {
    const folder = sound();
    spoil(folder);
    const { code, stdout } = await vdc(["secrets", "check", folder]);
    expect({ code, stdout }).toEqual({ code: EXIT.refused, stdout: expect.stringMatching(message) });
    expect(stdout).not.toContain("v4lue");
  });

  it("refuses an environment that holds a value under the name of a secret", async () => {
    const { code, stdout } = await vdc(["secrets", "check", sound()], { ADMIN_SECRET: "another" });
    expect(code).toBe(EXIT.refused);
    expect(stdout).toMatch(/^ADMIN_SECRET is set in your environment too: say `unset ADMIN_SECRET`/);
    expect(stdout).not.toContain("another");
  });
});

describe("a command that writes secrets", () => {
  it("keeps them from others, replaces nothing, and warns where git would take them up", async () => {
    const folder = scratch();
    execFileSync("git", ["init", "--quiet", folder]);
    const seen = join(folder, "system.keys");
    const { code, stderr, stdout } = await vdc(["keys", "generate", "-o", seen]);
    expect({ code, stdout, stderr }).toEqual({
      code: EXIT.ok,
      stdout: "",
      stderr: expect.stringMatching(/^Warning: .*git/),
    });
    expect(statSync(seen).mode & 0o777).toBe(0o600);
    const before = readFileSync(seen, "utf8");
    expect((await vdc(["keys", "generate", "-o", seen])).code).toBe(EXIT.refused);
    expect(readFileSync(seen, "utf8")).toBe(before);
    writeFileSync(join(folder, ".gitignore"), "*.secret\n");
    const rotated = await vdc(["keys", "rotate", seen, "-o", join(folder, "next.secret")]);
    expect({ code: rotated.code, stderr: rotated.stderr }).toEqual({
      code: EXIT.ok,
      stderr: expect.not.stringContaining("Warning"),
    });
  });
});
