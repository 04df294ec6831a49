import { vi } from "vitest";

/** Lets a test take ten minutes: a test that hangs takes that long, a slow machine does not. */
export function onlyAHangFails(): void {
  vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
}
