import { defineConfig } from "vitest/config";
import { SlowestFirst } from "./test/support/progress.ts";

/** A test waits for events. Only a test that hangs reaches this limit, however slow the machine is. */
const HANG_AFTER_MS = 600_000;
/** An instrument of `npm run prove` may work for longer than that. */
const LONG_WORK_HANGS_AFTER_MS = 3_600_000;

/** Most of these tests' time is waiting for queues, so more of them run at once than there are cores. */
const WORKERS = 4;

export default defineConfig({
  test: {
    globalSetup: ["test/support/build.ts"],
    env: { WRANGLER_LOG: "error", WRANGLER_SEND_METRICS: "false", NODE_NO_WARNINGS: "1" },
    maxWorkers: WORKERS,
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "test",
          include: ["test/**/*.test.ts"],
          setupFiles: ["test/support/fast-check.ts"],
          maxConcurrency: 2, // of the tests in one file that may run side by side: each of these is a process
          testTimeout: HANG_AFTER_MS,
          hookTimeout: HANG_AFTER_MS,
        },
      },
      {
        extends: true,
        test: {
          name: "prove",
          include: ["test/**/*.prove.ts"],
          setupFiles: ["test/support/fast-check.ts"],
          maxConcurrency: 2,
          testTimeout: LONG_WORK_HANGS_AFTER_MS,
          hookTimeout: LONG_WORK_HANGS_AFTER_MS,
        },
      },
    ],
  },
});
