import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RetryLater } from "../../../../shared/runtime/errors.ts";
import { migrate } from "../../../../workers/accounts/metadata/keep-metadata.ts";
import { writeVersion } from "../../../../workers/accounts/metadata/metadata-write.ts";
import { memorySql } from "../../../support/stack/sqlite.ts";

const MINUTE = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A user's storage, and a KV that may not answer. */
function home() {
  const sql = memorySql();
  sql.transaction(() => migrate(sql));
  const written: number[] = [];
  const write = (version: number, put: () => Promise<void> = async () => {}) =>
    writeVersion(version, sql, { now: Date.now, landsWithin: 2 * MINUTE }, async () => {
      written.push(version);
      await put();
    });
  /** A write without an answer. KV applies it up to two minutes later, or never. */
  const writeInVain = async (version: number) => {
    const [ended] = await Promise.all([
      Promise.allSettled([write(version, () => new Promise(() => {}))]),
      vi.advanceTimersByTimeAsync(10_000),
    ]);
    expect(ended[0]).toMatchObject({
      reason: { message: expect.stringContaining("did not answer") as string },
    });
  };
  return { write, writeInVain, written };
}

describe("a version of a user's metadata on its way into KV", () => {
  it("is not overtaken by a newer one while it may still land", async () => {
    const { write, writeInVain, written } = home();
    await writeInVain(1);
    await expect(write(2)).rejects.toThrow(RetryLater);
    expect(written).toEqual([1]);
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    await write(2);
    expect(written).toEqual([1, 2]);
  });

  it("may be written again meanwhile, and is in doubt all the same until its first write can't land any more", async () => {
    const { write, writeInVain, written } = home();
    await writeInVain(1);
    await write(1);
    await expect(write(2)).rejects.toThrow(RetryLater);
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    await write(2);
    expect(written).toEqual([1, 1, 2]);
  });

  it("is over once it is done, and in doubt when KV reports a failure", async () => {
    const { write, written } = home();
    await write(1);
    await write(2);
    await expect(write(3, () => Promise.reject(new Error("500")))).rejects.toThrow("500");
    await expect(write(4)).rejects.toThrow(RetryLater);
    await write(3);
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    await write(4);
    expect(written).toEqual([1, 2, 3, 3, 4]);
  });

  it("says how long to wait", async () => {
    const { write, writeInVain } = home();
    await writeInVain(1);
    const refusal = await write(2).catch((error: unknown) => error);
    expect((refusal as RetryLater).seconds).toBe(110);
  });
});
