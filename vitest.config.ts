import { defineConfig } from "vitest/config";
import { SlowestFirst } from "./test/support/stack/progress.ts";

/** A test waits for events. Only a test that hangs reaches this limit, however slow the machine is. */
const HANG_AFTER_MS = 600_000;
/** An instrument of `npm run prove` may work for longer than that. */
const LONG_WORK_HANGS_AFTER_MS = 3_600_000;

/** Tests of code in this process: no Worker is bundled or started. */
const UNIT = ["test/{unit,contract,faults}/**/*.test.ts"];

/** Properties that `npm test` tries a few times, and `npm run prove` often. */
const PROPERTIES = [
  "test/unit/properties/*.test.ts",
  "test/unit/workers/{accounts/store-document,audit-log/chain,chain-head/invariants,chain-head/ledger-property,accounts/intents/crash}.test.ts",
  "test/unit/{shared/chain/public-text,cli/car,docs/both-verifiers,shared/stripe/to-transaction,shared/stripe/verify}.test.ts",
];

/** Mocks, globals and environment variables of one file must not reach the next one in the same process. */
const CLEAN = { restoreMocks: true, unstubGlobals: true, unstubEnvs: true };

/** `npm test` runs the projects `unit` and `workers`, `npm run prove` the project `prove`. */
export default defineConfig({
  test: {
    maxWorkers: 5, // a test waits for queues during most of its time, so more files run at once than there are cores
    maxConcurrency: 2, // of the tests in one file that may run side by side: each of these is a process
    setupFiles: ["test/support/assertions/fast-check.ts"],
    testTimeout: HANG_AFTER_MS,
    hookTimeout: HANG_AFTER_MS,
    env: { WRANGLER_LOG: "error", WRANGLER_SEND_METRICS: "false", NODE_NO_WARNINGS: "1" },
    sequence: { sequencer: SlowestFirst },
    isolate: false, // a process loads each module once, for all its files: half of the time was loading
    ...CLEAN,
    projects: [
      {
        extends: true,
        // Unit tests compute all the time: with more processes than cores, each module is only loaded more often.
        test: { name: "unit", include: UNIT, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: {
          name: "workers",
          maxWorkers: 7,
          include: ["test/**/*.test.ts"],
          exclude: UNIT,
          globalSetup: ["test/support/stack/build.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "prove",
          include: ["test/**/*.prove.ts", ...PROPERTIES],
          env: { FAST_CHECK_RUNS: process.env.FAST_CHECK_RUNS ?? "500" },
          globalSetup: ["test/support/stack/build.ts"],
          testTimeout: LONG_WORK_HANGS_AFTER_MS,
          hookTimeout: LONG_WORK_HANGS_AFTER_MS,
        },
      },
    ],
  },
});
