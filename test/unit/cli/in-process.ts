import { vi } from "vitest";
import { CommandFailure, EXIT } from "../../../cli/failure.ts";
import { vdcProgram } from "../../../cli/program.ts";
import { serve, type Answered, type Served } from "./server.ts";

export const SECRET = "the-secret-of-a-test";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command in this process, as alice, an operator whose program has no terminal.
 * @param deployment undefined for a command that speaks with none
 */
export async function vdc(deployment: Served | undefined, ...args: string[]): Promise<Ran> {
  vi.stubEnv("VDC_ADMIN_SECRET", SECRET);
  vi.stubEnv("VDC_OPERATOR", "alice");
  const said = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((chunk) => {
      said[name] += String(chunk);
      return true;
    }),
  );
  try {
    await vdcProgram().parseAsync([...args, ...(deployment ? ["--url", deployment.url] : [])], {
      from: "user",
    });
    return { code: EXIT.ok, ...said };
  } catch (error) {
    if (error instanceof CommandFailure)
      return { code: error.exitCode, ...said, stderr: `${said.stderr}${error.message}` };
    throw error;
  } finally {
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
}

/** Answers by `METHOD /path`, without the query; a list in its order, its last one for ever. */
export function deployment(
  answers: Readonly<Record<string, Answered | readonly Answered[]>>,
): Promise<Served> {
  const given = new Map<string, number>();
  return serve(({ method, path }) => {
    const call = `${method} ${path.split("?")[0]}`;
    const found = answers[call];
    const turns: readonly Answered[] = found === undefined ? [] : [found].flat();
    const turn = given.get(call) ?? 0;
    given.set(call, turn + 1);
    return turns[Math.min(turn, turns.length - 1)] ?? { status: 404, problem: "not-found", detail: call };
  });
}

export const calls = ({ asked }: Served) => asked.map(({ method, path }) => `${method} ${path}`);
