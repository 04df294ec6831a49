import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../../../cli/local/stack/workers.ts";
import { vdc } from "../../support/stack/command-line.ts";
import { plainEnvironment } from "../../support/stack/processes.ts";
import { chainOf, publishing, scratch } from "./chains.ts";
import { serve } from "./server.ts";

const numberIn = (path: string) => Number(/^\/api\/vdc\/blocks\/(\d+)$/.exec(path)?.[1] ?? -1);

it.for(["verify", "export"])(
  "%s goes on from its state after kill -9, and not from genesis",
  async (command) => {
    const answer = await publishing(await chainOf(161));
    const state = join(scratch(), "chain.state");
    const args = [command, ...(command === "export" ? [join(scratch(), "chain.car")] : []), "--state", state];

    const killed = Promise.withResolvers<void>();
    const first = await serve((asked) => {
      if (numberIn(asked.path) === 160) killed.resolve();
      return numberIn(asked.path) >= 160
        ? { status: 503, headers: { "retry-after": "60" }, body: {} }
        : answer(asked);
    });
    const program = [join(ROOT, "cli/vdc.ts"), ...args, "--url", first.url];
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...program], {
      env: plainEnvironment(),
      stdio: "ignore",
    });
    await killed.promise;
    child.kill("SIGKILL");
    await once(child, "close");

    const second = await serve(answer);
    expect((await vdc([...args, "--url", second.url])).code).toBe(0);
    const read = second.asked.map(({ path }) => numberIn(path)).filter((number) => number >= 0);
    expect(Math.min(...read)).toBeGreaterThanOrEqual(99); // the last saved block is compared again
    expect(Math.max(...read)).toBe(160);
  },
);
