import { Command, InvalidArgumentError } from "commander";
import { availableParallelism } from "node:os";
import { MUTATIONS } from "./mutations/all.ts";
import { report } from "./report.ts";
import type { SeedReport } from "./run-seed.ts";
import { runSeeds } from "./seeds.ts";

/** `npm run simulate`: many seeds, each a world of its own, spread over processes. */
const program = new Command("simulate")
  .description(
    "Runs every Worker on a simulated platform, where everything goes wrong that can, and checks the promises of the design.\n" +
      "One seed decides all that happens: a seed that finds something finds it again, with --trace line by line.",
  )
  .option("--seeds <count>", "how many seeds to run", whole, 100)
  .option("--from <seed>", "the first of them", whole, 1)
  .option("--jobs <count>", "processes at once", whole, availableParallelism())
  .option("--trace", "say all that happens (with --seeds 1)", false)
  .option("--mutation <name>", `break a promise on purpose: ${MUTATIONS.map(({ name }) => name).join(", ")}`)
  .option("--until-found", "stop at the first seed that finds something", false);

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

const options = program.parse().opts<{
  seeds: number;
  from: number;
  jobs: number;
  trace: boolean;
  mutation?: string;
  untilFound: boolean;
}>();
const until = options.untilFound ? { until: ({ violations }: SeedReport) => violations.length > 0 } : {};
process.exitCode = report(await runSeeds({ ...options, ...until }), options);
