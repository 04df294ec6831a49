import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import type { Described } from "./deployment.ts";
import { mutated, mutationNamed } from "./mutations.ts";
import { beginWith, takeOver } from "./world/globals.ts";
import { Random } from "./world/random.ts";

/**
 * Runs seeds, one after another, in a process whose time, chance and network are the world's: a line of JSON for each on
 * standard output; `seeds.ts` starts it, and tells what is deployed in VDC_SIMULATED_WORKERS. `node one-process.ts <first seed> <count> <step> <trace: yes or no> [mutation]`
 */
const [first = "1", count = "1", step = "1", trace = "no", mutationName] = process.argv.slice(2);
const mutation = mutationName === undefined ? undefined : mutationNamed(mutationName);
const described = JSON.parse(process.env.VDC_SIMULATED_WORKERS ?? "[]") as Described[];

takeOver();
beginWith(new Random("keys"));
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "cloudflare:workers"
      ? { url: new URL("./platform/cloudflare-workers.ts", import.meta.url).href, shortCircuit: true }
      : next(specifier, context),
  load: (url, context, next) =>
    mutation !== undefined && url.endsWith(`/${mutation.file}`)
      ? {
          format: "module-typescript",
          source: mutated(readFileSync(fileURLToPath(url), "utf8"), mutation),
          shortCircuit: true,
        }
      : next(url, context),
});
// A dead invocation's promises fail unheard; in workerd they are gone with it.
process.on("unhandledRejection", () => {});

const { generateSecrets } = await import("../../cli/local/secrets.ts");
const { runSeed } = await import("./run-seed.ts");
const deployed = [];
for (const { name, file, config } of described) deployed.push({ name, config, module: await import(file) });
const secrets = await generateSecrets();

for (let i = 0; i < Number(count); i++) {
  const seed = Number(first) + i * Number(step);
  const outcome = await runSeed(seed, { deployed, secrets }, trace === "yes");
  // A trace may be longer than the pipe: the process ends only when all of it has been taken.
  await new Promise((taken) => process.stdout.write(`${JSON.stringify(outcome)}\n`, taken));
}
process.exit(0);
