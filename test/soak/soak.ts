import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { wholeNumber } from "../../cli/commands/options.ts";
import { startProgress } from "../../cli/output/progress.ts";
import { asText } from "./report.ts";
import { soak } from "./run.ts";

/** `npm run soak`: thousands of payments, with repeats, against a stack that is stopped and killed meanwhile. */
interface Options {
  readonly payments: number;
  readonly restarts?: number;
  readonly seed?: number;
  readonly lanes: number;
  readonly memory: boolean;
  readonly keep?: boolean;
}

async function run(options: Options): Promise<number> {
  const { payments, lanes, memory } = options;
  const seed = options.seed ?? randomInt(1_000_000);
  const restarts = options.restarts ?? Math.max(1, Math.round(payments / 2_500));
  const directory = mkdtempSync(join(tmpdir(), "vdc-soak-"));
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"] as const)
    process.on(signal, () => interrupted.abort(new Error("interrupted")));
  console.error(`${payments} payments, ${restarts} restarts, seed ${seed}, in ${directory}`);
  const progress = startProgress({ doing: "soaking", total: payments, of: "payments" });
  let sound = false;
  try {
    const outcome = await soak({
      payments,
      restarts,
      seed,
      lanes,
      memory,
      directory,
      now: Date.now(),
      signal: interrupted.signal,
      onOrder: (done) => progress.to(done),
      say: (line) => process.stderr.isTTY || console.error(line),
    });
    progress.end();
    sound = outcome.violations.length === 0;
    console.log(asText(outcome, { payments, seed }));
    return sound ? 0 : 1;
  } catch (error) {
    progress.end();
    if (interrupted.signal.aborted) {
      console.error("interrupted");
      sound = true; // nothing failed, so there is nothing to keep
      return 130;
    }
    console.error(
      `The soak with seed ${seed} broke off: ${error instanceof Error ? error.stack : String(error)}`,
    );
    return 1;
  } finally {
    if (sound && !options.keep) rmSync(directory, { recursive: true, force: true });
    else console.error(`What was stored, and the stack's log: ${directory}`);
  }
}

const program = new Command("soak")
  .description("payments, repeats and restarts against the local stack; then every promise is checked")
  .option("--payments <n>", "how many", wholeNumber(1, 10_000_000), 20_000)
  .option(
    "--restarts <n>",
    "how often the stack is stopped or killed (default: one for 2,500 payments)",
    wholeNumber(0),
  )
  .option(
    "--seed <n>",
    "decides payments, repeats and restarts; not when each process gets to work",
    wholeNumber(0),
  )
  .option("--lanes <n>", "payments that are under way at one time", wholeNumber(1, 1_000), 12)
  .option("--no-memory", "do not measure memory")
  .option("--keep", "keep what was stored")
  .showHelpAfterError("(--help shows how)");
program.parse();
process.exit(await run(program.opts<Options>()));
