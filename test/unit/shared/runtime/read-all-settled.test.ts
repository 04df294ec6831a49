import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { logger } from "../../../../shared/runtime/log.ts";
import { readParts } from "../../../../shared/runtime/read-all-settled.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockReturnValue();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("gives what could be read, whatever the other parts do, and says what could not", async () => {
  const reading = readParts(
    {
      good: async () => 5,
      empty: async () => null,
      failing: async (): Promise<string> => {
        throw new Error("evicted");
      },
      throwing: (): Promise<string> => {
        throw new Error("no binding");
      },
      silent: () => new Promise<string>(() => {}),
    },
    logger("test"),
  );
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await reading).toEqual({
    good: 5,
    empty: null,
    failing: undefined,
    throwing: undefined,
    silent: undefined,
  });
  const said = JSON.stringify(vi.mocked(console.error).mock.calls);
  for (const part of ["failing", "throwing", "silent"]) expect(said).toContain(`\\"part\\":\\"${part}\\"`);
  expect(vi.getTimerCount()).toBe(0);
});
