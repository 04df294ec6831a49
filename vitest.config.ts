import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    maxWorkers: 3, // most of a test's time is waiting for queues; vitest's default on two cores is one
    maxConcurrency: 2, // of the tests in one file that may run side by side: each of these is a process
    globalSetup: ["test/support/build.ts"],
    setupFiles: ["test/support/fast-check.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { WRANGLER_LOG: "error", WRANGLER_SEND_METRICS: "false", NODE_NO_WARNINGS: "1" },
  },
});
