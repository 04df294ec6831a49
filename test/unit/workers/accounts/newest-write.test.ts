import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NewestWrite } from "../../../../workers/accounts/metadata/newest-write.ts";

const INTERVAL = 1_100;

/** A key that refuses a second write within a second, as KV does. It has its own clock. */
class Key {
  readonly written: number[] = [];
  now = 0;
  #last = -Infinity;
  /** The numbers of writes that fail; the first write is 0. */
  failing: readonly number[] = [];
  /** Turns of the event loop that a write takes, by its number. */
  delays: readonly number[] = [];
  #begun = 0;
  readonly writer = new NewestWrite<{ version: number }>({
    write: ({ version }) => this.#write(version),
    interval: INTERVAL,
    now: () => this.now,
    wait: async (milliseconds) => {
      await turn();
      this.now += milliseconds;
    },
  });

  async #write(version: number): Promise<void> {
    const number = this.#begun++;
    for (let turns = this.delays[number] ?? 0; turns > 0; turns--) await turn();
    if (this.now - this.#last < 1_000) throw new Error("KV PUT failed: 429 Too Many Requests");
    this.#last = this.now;
    if (this.failing.includes(number)) throw new Error("KV PUT failed: 500");
    this.written.push(version);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("writes of one key", () => {
  it("that come at once are two: the first, and the newest of the others", async () => {
    const key = new Key();
    await Promise.all([1, 5, 3, 20, 7].map((version) => key.writer.newest({ version })));
    expect(key.written).toEqual([20]);
    const first = key.writer.newest({ version: 21 });
    await turn(); // that write waits for its second, and it carries these versions
    await Promise.all([first, ...[25, 23].map((version) => key.writer.newest({ version }))]);
    expect(key.written).toEqual([20, 25]);
  });

  it("are a second apart", async () => {
    const key = new Key();
    for (const version of [1, 2, 3]) await key.writer.newest({ version });
    expect(key.written).toEqual([1, 2, 3]);
    expect(key.now).toBe(2 * INTERVAL);
  });

  it("tell all who waited for one that it failed, and are tried again for those who come later", async () => {
    const key = new Key();
    key.failing = [0];
    const outcomes = await Promise.allSettled([1, 2].map((version) => key.writer.newest({ version })));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await key.writer.newest({ version: 2 });
    expect(key.written).toEqual([2]);
  });

  it("never go back, and have the newest value at the end, however long each takes and whichever fail", async () => {
    const cases = fc.record({
      versions: fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
      delays: fc.array(fc.nat({ max: 5 }), { maxLength: 20 }),
      failing: fc.uniqueArray(fc.nat({ max: 5 })),
      pauses: fc.array(fc.nat({ max: 4 }), { maxLength: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ versions, delays, failing, pauses }) => {
        const key = Object.assign(new Key(), { delays, failing });
        const kept: Promise<boolean>[] = [];
        for (const [i, version] of versions.entries()) {
          const written = key.writer.newest({ version });
          kept.push(
            written.then(
              () => (key.written.at(-1) ?? 0) >= version,
              () => true,
            ),
          );
          for (let turns = pauses[i] ?? 0; turns > 0; turns--) await turn();
        }
        expect(await Promise.all(kept), "who is told that it is written can read it").not.toContain(false);
        expect(key.written).toEqual(key.written.toSorted((a, b) => a - b));
        key.failing = [];
        await key.writer.newest({ version: Math.max(...versions) });
        expect(key.written.at(-1)).toBe(Math.max(...versions));
      }),
      { numRuns: 100 },
    );
  });
});
