import { enableCompileCache, flushCompileCache, registerHooks } from "node:module";
import { createInterface } from "node:readline";
import type { Described } from "./deployment.ts";
import { mutationNamed } from "./mutations/all.ts";
import { apply } from "./mutations/apply.ts";
import { beginWith, takeOver } from "./world/globals.ts";
import { Random } from "./world/random.ts";

/**
 * Runs the seeds from standard input, one a line, in a process whose time, chance and network belong to the simulated
 * world. Writes a line of JSON for each seed to standard output. `seeds.ts` starts this process and passes the deployed
 * Workers in VDC_SIMULATED_WORKERS. With `endAt`, a seed ends once that promise is broken.
 * `node one-process.ts <options as JSON>`
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
/** The replacement of each module. A replacement itself imports the original. */
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
// Promises of a dead invocation may reject without a handler. In workerd they are gone with the invocation.
process.on("unhandledRejection", () => {});

const { generateSecrets } = await import("../../cli/local/stack/secrets.ts");
const { runSeed } = await import("./run-seed.ts");
const deployed = [];
for (const { name, file, config } of described) deployed.push({ name, config, module: await import(file) });
checkApplied();
flushCompileCache(); // the parent may kill this process once it has the answer
const secrets = await generateSecrets();

for await (const seed of createInterface({ input: process.stdin })) {
  process.stdin.unref(); // if a seed waits for ever, Node has nothing to do and ends with code 13, which the parent reports
  const outcome = await runSeed(Number(seed), { deployed, secrets }, { trace, endAt });
  process.stdin.ref();
  // Waits until the pipe has taken the whole line. A trace may be longer than the pipe's buffer.
  await new Promise((taken) => process.stdout.write(`${JSON.stringify(outcome)}\n`, taken));
}
process.exit(0);
