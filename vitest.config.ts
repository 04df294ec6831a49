import { defineConfig } from "vitest/config";

/** Tests of code in this process: no Worker is bundled or started. */
const UNIT = ["test/{unit,contract}/**/*.test.ts", "test/soak/{check,flat,orders}.test.ts"];

export default defineConfig({
  test: {
    maxWorkers: 3, // most of a test's time is waiting for queues; vitest's default on two cores is one
    maxConcurrency: 2, // of the tests in one file that may run side by side: each of these is a process
    setupFiles: ["test/support/fast-check.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { WRANGLER_LOG: "error", WRANGLER_SEND_METRICS: "false", NODE_NO_WARNINGS: "1" },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: UNIT,
          maxWorkers: 2, // nothing waits here, and each worker loads every module
          sequence: { groupOrder: 0 },
          isolate: false, // a module is loaded once for each worker: half of the time was loading
          testTimeout: 120_000,
          // Mocks, timers and variables of one file would reach the next one.
          restoreMocks: true,
          unstubGlobals: true,
          unstubEnvs: true,
        },
      },
      {
        extends: true,
        test: {
          name: "workers",
          include: ["test/**/*.test.ts"],
          exclude: UNIT,
          sequence: { groupOrder: 1 }, // vitest asks for it where the numbers of workers differ
          globalSetup: ["test/support/build.ts"],
        },
      },
    ],
  },
});
