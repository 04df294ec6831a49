import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../../cli/local/stack/workers.ts";

const HOOK = `import { registerHooks } from "node:module";
registerHooks({
  load(url, context, next) {
    process.stderr.write(url + "\\n");
    return next(url, context);
  },
});`;

/** Returns the modules that a command line loads, by their path in the project. */
async function modulesOf(...args: string[]): Promise<string[]> {
  const hook = `data:text/javascript,${encodeURIComponent(HOOK)}`;
  const { stderr } = await promisify(execFile)(
    process.execPath,
    ["--import", hook, join(ROOT, "cli/vdc.ts"), ...args],
    { maxBuffer: 16 * 1024 * 1024 },
  );
  return stderr.split("\n").flatMap((line) => line.split(`${ROOT}/`)[1] ?? []);
}

describe("the command line", () => {
  it("loads the code of no command for --help", async () => {
    const modules = await modulesOf("--help");
    expect(modules).toContain("cli/program.ts");
    expect(modules.filter((path) => path.startsWith("cli/commands/"))).toEqual([]);
  });

  it.for([
    ["status", "cli/commands/status.ts"],
    ["help status", "cli/commands/status.ts"],
  ])("loads the code of one command for %s", async ([args = "", file]) => {
    const modules = await modulesOf(...args.split(" "), "--help");
    expect(modules.filter((path) => /^cli\/commands\/(?!options)/.test(path))).toEqual([file]);
    expect(modules.filter((path) => /noble|unixfs|\/stripe\//.test(path))).toEqual([]);
  });
});
