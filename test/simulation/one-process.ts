import { enableCompileCache, flushCompileCache, registerHooks } from "node:module";
import { createInterface } from "node:readline";
import type { Described } from "./deployment.ts";
import { mutationNamed } from "./mutations/all.ts";
import { apply } from "./mutations/apply.ts";
import { beginWith, takeOver } from "./world/globals.ts";
import { Random } from "./world/random.ts";

/**
 * Runs the seeds that standard input names, one a line, in a process whose time, chance and network are the world's, and writes a line
 * of JSON for each to standard output. `seeds.ts` starts it, and names the deployed Workers in VDC_SIMULATED_WORKERS. With `endAt`, a
 * seed ends once that promise is broken. `node one-process.ts <options as JSON>`
 */
const [given = "{}"] = process.argv.slice(2);
const {
  trace = false,
  mutation,
  endAt,
} = JSON.parse(given) as {
  trace?: boolean;
  mutation?: string;
  endAt?: string;
};
const described = JSON.parse(process.env.VDC_SIMULATED_WORKERS ?? "[]") as Described[];

enableCompileCache();
takeOver();
beginWith(new Random("keys"));
/** What stands in for a module, unless the stand-in itself imports it. */
const standIns: Readonly<Record<string, string>> = {
  "cloudflare:workers": new URL("./platform/cloudflare-workers.ts", import.meta.url).href,
  "@noble/post-quantum/ml-dsa.js": new URL("./platform/ml-dsa.ts", import.meta.url).href,
};
registerHooks({
  resolve: (specifier, context, next) => {
    const url = standIns[specifier];
    return url === undefined || url === context.parentURL
      ? next(specifier, context)
      : { url, shortCircuit: true };
  },
});
const checkApplied = mutation === undefined ? () => {} : apply(mutationNamed(mutation));
// A dead invocation's promises fail unheard; in workerd they are gone with it.
process.on("unhandledRejection", () => {});

const { generateSecrets } = await import("../../cli/local/secrets.ts");
const { runSeed } = await import("./run-seed.ts");
const deployed = [];
for (const { name, file, config } of described) deployed.push({ name, config, module: await import(file) });
checkApplied();
flushCompileCache(); // the parent may kill this process once it has the answer
const secrets = await generateSecrets();

for await (const seed of createInterface({ input: process.stdin })) {
  process.stdin.unref(); // a seed that waits for ever leaves nothing to do: Node ends with code 13, and the parent says so
  const outcome = await runSeed(Number(seed), { deployed, secrets }, { trace, endAt });
  process.stdin.ref();
  // A trace may be longer than the pipe: the process ends only when all of it has been taken.
  await new Promise((taken) => process.stdout.write(`${JSON.stringify(outcome)}\n`, taken));
}
process.exit(0);
