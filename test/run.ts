import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  accessSync,
  existsSync,
  constants as fsConstants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { DURATIONS_FILE, DURATIONS_OF_THIS_RUN, QUICK_SECONDS } from "./support/stack/durations.ts";

/**
 * `npm test` runs every test that a change needs, or the tests that the arguments name; vitest reads the arguments.
 * `npm run prove` runs the long instruments, files `*.prove.ts`. A run that leaves a process behind fails too. The last line is
 * `test: N passed, N failed, N skipped` (or `prove: …`), plain, for machines that read it.
 */
const ROOT = join(import.meta.dirname, "..");
const MARK = `VDC_TEST_RUN=${randomUUID()}`; // in the environment of whatever the run starts, its children's too
const ENDING_WITHIN_MS = 30_000;

const [RUN = "test", ...GIVEN] = process.argv.slice(2);
/** The vitest projects that each npm script runs. */
const PROJECTS: Readonly<Record<string, readonly string[]>> = { test: ["unit", "workers"], prove: ["prove"] };
if (!Object.hasOwn(PROJECTS, RUN)) throw new Error(`there is no run ${RUN}: give test or prove`);
/** With `--record`, the run writes how long each file took into the file that the order and the estimate come from. */
const RECORDS = GIVEN.includes("--record");
const ARGUMENTS = GIVEN.filter((argument) => argument !== "--record");

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

async function test(): Promise<number> {
  const parent = temporary();
  removeAbandoned(parent);
  const directory = mkdtempSync(join(parent, `vdc-test-run-${process.pid}-`));
  const report = join(directory, "report.json");
  try {
    const code = await vitest(directory, [
      ...(PROJECTS[RUN] ?? []).map((project) => `--project=${project}`),
      "--reporter=default",
      "--reporter=test/support/stack/progress.ts",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ]);
    const left = await leftBehind();
    for (const { pid, command } of left) {
      console.log(`left behind by the tests: process ${pid}: ${command}`);
      end(pid);
    }
    const { passed, failed, skipped } = counts(report, code);
    if (RECORDS && code === 0) recordDurations(durationsIn(directory));
    console.log(`${RUN}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
    return code === 0 && failed === 0 && left.length === 0 ? 0 : code || 1;
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Linux keeps this directory in memory. */
const MEMORY = "/dev/shm";
const NEEDED_BYTES = 4e9;

/** Stacks flush every write, so a directory in memory is faster. The one of a container is often too small. */
function temporary(): string {
  try {
    accessSync(MEMORY, fsConstants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize >= NEEDED_BYTES) return MEMORY;
  } catch {
    // the directory does not exist, or this user may not write to it
  }
  return tmpdir();
}

/** Removes what runs left that were killed. */
function removeAbandoned(parent: string): void {
  if (!existsSync("/proc")) return;
  for (const name of readdirSync(parent)) {
    const [, pid] = /^vdc-test-run-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(parent, name), { recursive: true, force: true });
  }
}

/** @param directory temporary directory of the tests; the run removes it at its end */
function vitest(directory: string, options: readonly string[]): Promise<number> {
  const [name = "", value] = MARK.split("=");
  const program = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [program, "run", ...options, ...ARGUMENTS], {
    cwd: ROOT,
    stdio: "inherit",
    env: {
      ...process.env,
      NODE_OPTIONS: "",
      TMPDIR: directory,
      [DURATIONS_OF_THIS_RUN]: durationsIn(directory),
      [name]: value,
    },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  process.on("disconnect", () => child.kill("SIGTERM")); // whoever started us was killed
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

/** A file that could not be loaded has no failed test of its own, and counts as one; so does a run without a report. */
function counts(report: string, code: number): Counts {
  try {
    const { numPassedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(report, "utf8"),
    ) as Report;
    const failed = testResults.map(({ status, assertionResults }) => {
      const tests = assertionResults.filter((test) => test.status === "failed").length;
      return status === "failed" ? Math.max(1, tests) : tests;
    });
    return {
      passed: numPassedTests,
      failed: failed.reduce((sum, inFile) => sum + inFile, 0),
      skipped: numPendingTests + numTodoTests,
    };
  } catch (error) {
    console.log(`the tests did not get as far as a report: ${String(error)}`);
    return { passed: 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  }
}

const durationsIn = (directory: string): string => join(directory, "durations.json");

/** Keeps the durations of files that this run did not run, and forgets files that are gone. */
function recordDurations(file: string): void {
  const known = Object.entries<number>(JSON.parse(read(DURATIONS_FILE) || "{}"));
  const seconds = Object.entries<number>(JSON.parse(readFileSync(file, "utf8"))).map(
    ([path, taken]): [string, number] => [relative(ROOT, path), Math.round(taken)],
  );
  const slow = [...new Map([...known, ...seconds])].filter(
    ([file, taken]) => taken > QUICK_SECONDS && existsSync(join(ROOT, file)),
  );
  writeFileSync(
    DURATIONS_FILE,
    `${JSON.stringify(Object.fromEntries(slow.toSorted(([, a], [, b]) => b - a)), null, 2)}\n`,
  );
}

/** The part of vitest's JSON report that this program reads. */
interface Report {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

interface Process {
  readonly pid: number;
  readonly command: string;
}

async function leftBehind(): Promise<readonly Process[]> {
  const deadline = Date.now() + ENDING_WITHIN_MS;
  for (;;) {
    const found = marked();
    if (found.length === 0 || Date.now() > deadline) return found;
    await wait(100);
  }
}

/** Running processes that bear the mark; where there is no /proc, none are found. */
function marked(): Process[] {
  const pids = numbersIn("/proc");
  return pids.flatMap((pid) => {
    const environment = read(`/proc/${pid}/environ`).split("\0"); // empty for one that has ended
    if (!environment.includes(MARK)) return [];
    return [{ pid, command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").slice(0, 200) }];
  });
}

function numbersIn(directory: string): number[] {
  try {
    return readdirSync(directory).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // it has ended meanwhile, or is another user's
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

process.exit(await test()); // listening for the end of our starter would keep us alive
