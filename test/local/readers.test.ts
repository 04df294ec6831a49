import { spawn } from "node:child_process";
import { openSync, closeSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { EXIT } from "../../cli/output/failure.ts";
import { ROOT } from "../../cli/local/stack/workers.ts";
import { plainEnvironment } from "../support/stack/processes.ts";
import { scratch } from "../unit/cli/chains.ts";

/** The reader of an output: it reads, it has gone before the command writes, or it is a full disk. */
type Reader = "reads" | "gone" | "full";

/** Runs `vdc` in a process of its own, through the wrapper, as npm does. */
function exitCode(args: readonly string[], stdout: Reader, stderr: Reader): Promise<number | null> {
  const full = [stdout, stderr].includes("full") ? openSync("/dev/full", "w") : undefined;
  const output = (reader: Reader) => (reader === "full" ? full : "pipe");
  const child = spawn(process.execPath, [join(ROOT, "cli", "with-setup.mjs"), "cli/vdc.ts", ...args], {
    cwd: ROOT,
    stdio: ["ignore", output(stdout), output(stderr)],
    env: plainEnvironment(),
  });
  if (stdout === "gone") child.stdout?.destroy();
  else child.stdout?.resume();
  if (stderr === "gone") child.stderr?.destroy();
  else child.stderr?.resume();
  if (full !== undefined) closeSync(full);
  return new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
}

describe("the exit code of a command", () => {
  let damaged: string;
  beforeEach(() => {
    damaged = join(scratch(), "damaged.car");
    writeFileSync(damaged, "no CAR file");
  });

  it.for([
    ["gone", "reads"],
    ["reads", "gone"],
    ["gone", "gone"],
  ] as const)("is that of a failed verification when stdout %s and stderr %s", async ([stdout, stderr]) => {
    expect(await exitCode(["verify", "--json", damaged], stdout, stderr)).toBe(EXIT.unverified);
  });

  it("is 0 for what was done when both readers have gone", async () => {
    expect(await exitCode(["keys", "generate"], "gone", "gone")).toBe(EXIT.ok);
  });

  it("is 2 for wrong usage when both readers have gone", async () => {
    expect(await exitCode(["no-such-command"], "gone", "gone")).toBe(EXIT.usage);
  });

  describe.runIf(existsSync("/dev/full"))("on a full disk", () => {
    it("says that the data was not written", async () => {
      expect(await exitCode(["keys", "generate"], "full", "reads")).toBe(EXIT.failure);
    });

    it("is that of a failed verification", async () => {
      expect(await exitCode(["verify", "--json", damaged], "full", "full")).toBe(EXIT.unverified);
    });
  });
});
