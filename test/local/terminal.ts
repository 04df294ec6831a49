import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../../cli/local/stack/workers.ts";
import { plainEnvironment } from "../support/stack/processes.ts";

/** The screen of a terminal (stdout and stderr together) and the command's exit code. */
export interface Seen {
  readonly code: number | null;
  readonly screen: string;
}

/**
 * `script` of util-linux runs a program at a new terminal (pty). The `script` of BSD and macOS takes other arguments.
 */
export const HAS_TERMINAL =
  process.platform === "linux" &&
  /util-linux/.test(spawnSync("script", ["--version"], { encoding: "utf8" }).stdout);

export const CTRL_D = "\u0004";

/**
 * Runs `npm run vdc -- …` at a terminal of 200 columns.
 * @param typed the person's answer to a question
 */
export function vdcAtTerminal(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  typed = "",
): Promise<Seen> {
  const command = [process.execPath, join(ROOT, "cli", "with-setup.mjs"), "cli/vdc.ts", ...args];
  const { CI: _, ...person } = plainEnvironment(); // Node shows no colours to CI, whatever the terminal
  const line = `stty cols 200; exec ${command.map(quoted).join(" ")}`;
  const child = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...person, TERM: "xterm-256color", SHELL: "/bin/sh", ...environment },
  });
  let screen = "";
  let answer = typed;
  child.stdout.on("data", (data: Buffer) => {
    screen += data.toString();
    if (answer === "" || !screen.includes("[y/N]")) return;
    child.stdin.write(answer);
    answer = "";
  });
  child.stdin.on("error", () => {}); // the command may have ended
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, screen: screen.replaceAll("\r\n", "\n") }));
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
