import { vdc as run, type Ran } from "../../support/stack/command-line.ts";
import { serve, type Answered, type Served } from "./server.ts";

export const SECRET = "the-secret-of-a-test";

/** Runs a command as the operator alice. @param deployment undefined for a command that needs no deployment */
export function vdc(deployment: Served | undefined, ...args: string[]): Promise<Ran> {
  return run([...args, ...(deployment ? ["--url", deployment.url] : [])], {
    VDC_ADMIN_SECRET: SECRET,
    VDC_OPERATOR: "alice",
  });
}

/**
 * Serves answers by `METHOD /path`, without the query. A list is served in order, and then its last answer is repeated.
 */
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
