import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SingleBar } from "cli-progress";
import { everyWorker } from "./deployment.ts";
import type { Mutation } from "./mutations/mutation.ts";
import type { SeedReport } from "./run-seed.ts";

/** Read once for all processes, because wrangler takes longer to load than a seed takes to run. */
let described: string | undefined;

interface Wanted {
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
  readonly trace?: boolean;
  readonly mutation?: string | undefined;
  /** The promise at whose breach a seed ends. */
  readonly endAt?: string | undefined;
  /** Stops after a seed for which this returns true. */
  readonly until?: (report: SeedReport) => boolean;
}

/** Runs the seeds in several processes. @throws Error when a process ends before its seeds are done */
export async function runSeeds(wanted: Wanted): Promise<SeedReport[]> {
  const jobs = Math.max(1, Math.min(wanted.jobs, wanted.seeds));
  const bar = new SingleBar({
    format: "{bar} {value} of {total} seeds, {found} violations",
    noTTYOutput: false,
    clearOnComplete: true,
  });
  bar.start(wanted.seeds, 0, { found: 0 });
  const reports: SeedReport[] = [];
  const stop = new AbortController();
  const note = (report: SeedReport) => {
    reports.push(report);
    const found = reports.reduce((sum, { violations }) => sum + violations.length, 0);
    bar.update(reports.length, { found });
    if (wanted.until?.(report) === true) stop.abort();
  };
  try {
    let left = wanted.seeds;
    const next = () => (left > 0 ? wanted.from + wanted.seeds - left-- : undefined);
    await Promise.all(Array.from({ length: jobs }, () => runLane(wanted, next, note, stop.signal)));
  } finally {
    stop.abort();
    bar.stop();
  }
  return reports.toSorted((a, b) => a.seed - b.seed);
}

/** Milliseconds. The limit is for a seed that hangs, not for a slow machine: a seed takes a few seconds. */
export const SEED_HANGS_AFTER_MS = 120_000;

export const SEEDS_FOR_A_MUTATION = 40;

/**
 * Returns the first seed that sees this mutation break its promise, beginning with the last seed that found it;
 * undefined if no seed sees it.
 */
export async function seedThatFinds({ name, breaks, seed }: Mutation): Promise<number | undefined> {
  const hasFound = ({ violations }: SeedReport) => violations.some(({ promise }) => promise === breaks);
  const wanted = { seeds: SEEDS_FOR_A_MUTATION, from: seed, jobs: 1, mutation: name };
  return (await runSeeds({ ...wanted, endAt: breaks, until: hasFound })).find(hasFound)?.seed;
}

/**
 * Runs seeds in one process until the seeds are used up. Each process takes its next seed when it is free, because the
 * lengths of seeds differ much.
 */
async function runLane(
  { trace, mutation, endAt }: Wanted,
  next: () => number | undefined,
  note: (report: SeedReport) => void,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      join(import.meta.dirname, "one-process.ts"),
      JSON.stringify({ trace, mutation, endAt }),
    ],
    {
      stdio: ["pipe", "pipe", "inherit"],
      signal,
      killSignal: "SIGKILL",
      env: { ...process.env, VDC_SIMULATED_WORKERS: (described ??= JSON.stringify(everyWorker())) },
    },
  );
  child.stdin.on("error", () => {}); // the process has ended, and its exit code says why
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", (error) => (signal.aborted ? resolve() : reject(error)));
    child.on("exit", (code) =>
      code === 0 || signal.aborted ? resolve() : reject(new Error(`the simulation ended with code ${code}`)),
    );
  });
  const giveNext = () => {
    const seed = next();
    if (seed === undefined) child.stdin.end();
    else child.stdin.write(`${seed}\n`);
  };
  giveNext();
  for await (const line of createInterface({ input: child.stdout })) {
    note(JSON.parse(line) as SeedReport);
    giveNext();
  }
  await ended;
}
