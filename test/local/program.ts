import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../../cli/local/stack/workers.ts";
import type { Environment } from "../support/stack/command-line.ts";
import { plainEnvironment } from "../support/stack/processes.ts";

export const STACK = "cli/local/start.ts";
export const VDC = "cli/vdc.ts";

/** The output of a program, its exit code and its signal. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of the project, started as npm starts it, in a process group of its own. */
export interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout(): string;
}

/** Starts a program as `npm run` does: through the wrapper, which passes signals on. */
export function run(
  program: string,
  args: readonly string[] = [],
  environment: Environment = {},
  input = "",
): Program {
  const child = spawn(process.execPath, [join(ROOT, "cli", "with-setup.mjs"), program, ...args], {
    cwd: ROOT,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...plainEnvironment(), ...environment },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  child.stdin.on("error", () => {}); // the program may have ended without reading
  child.stdin.end(input);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended, stdout: () => stdout };
}

/** Starts `npm start`, and expects it to fail. */
export function startInVain(environment: Environment): Promise<Ended> {
  return run(STACK, [], { PORT: "0", ...environment }).ended;
}
