import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/build.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { WRANGLER_LOG: "error", WRANGLER_SEND_METRICS: "false", NODE_NO_WARNINGS: "1" },
  },
});
