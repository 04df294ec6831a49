import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RetryLater } from "../../../shared/errors.ts";
import { migrate } from "../../../workers/accounts/keep-metadata.ts";
import { writeVersion } from "../../../workers/accounts/metadata-write.ts";
import { memorySql } from "../../support/sqlite.ts";

const MINUTE = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A user's storage, and a KV that may not answer. */
function home() {
  const sql = memorySql();
  sql.transaction(() => migrate(sql));
  const written: number[] = [];
  const write = (version: number, put: () => Promise<void> = async () => {}) =>
    writeVersion(version, sql, Date.now, async () => {
      written.push(version);
      await put();
    });
  /** KV takes it up to a minute later, or never. */
  const writeInVain = async (version: number) => {
    const ended = expect(write(version, () => new Promise(() => {}))).rejects.toThrow(/did not answer/);
    await vi.advanceTimersByTimeAsync(10_000);
    await ended;
  };
  return { write, writeInVain, written };
}

describe("a version of a user's metadata on its way into KV", () => {
  it("is not overtaken by a newer one while it may still land", async () => {
    const { write, writeInVain, written } = home();
    await writeInVain(1);
    await expect(write(2)).rejects.toThrow(RetryLater);
    expect(written).toEqual([1]);
    await vi.advanceTimersByTimeAsync(1.5 * MINUTE);
    await write(2);
    expect(written).toEqual([1, 2]);
  });

  it("may be written again meanwhile, and is in doubt all the same until its first write can't land any more", async () => {
    const { write, writeInVain, written } = home();
    await writeInVain(1);
    await write(1);
    await expect(write(2)).rejects.toThrow(RetryLater);
    await vi.advanceTimersByTimeAsync(1.5 * MINUTE);
    await write(2);
    expect(written).toEqual([1, 1, 2]);
  });

  it("is over once KV has answered, whatever it answered", async () => {
    const { write, written } = home();
    await expect(write(1, () => Promise.reject(new Error("429")))).rejects.toThrow("429");
    await write(2);
    await write(3);
    expect(written).toEqual([1, 2, 3]);
  });

  it("says how long to wait", async () => {
    const { write, writeInVain } = home();
    await writeInVain(1);
    const refusal = await write(2).catch((error: unknown) => error);
    expect((refusal as RetryLater).seconds).toBe(80);
  });
});
