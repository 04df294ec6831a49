import { describe, expect, it } from "vitest";
import {
  chunks,
  mapConnections,
  OPEN_CONNECTIONS,
  settleConnections,
} from "../../../../shared/storage/limits.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Starts work that ends on the test's command, in any order, and counts how much of it runs at once. */
function workshop() {
  const open = new Map<number, PromiseWithResolvers<number>>();
  const seen = { running: 0, most: 0, started: [] as number[] };
  const work = async (n: number) => {
    seen.started.push(n);
    seen.most = Math.max(seen.most, ++seen.running);
    const done = Promise.withResolvers<number>();
    open.set(n, done);
    try {
      return await done.promise;
    } finally {
      seen.running--;
    }
  };
  /** Ends the work that started last first, until none runs. */
  async function endAll(end: (n: number, done: PromiseWithResolvers<number>) => void): Promise<void> {
    for (await turn(); open.size > 0; await turn()) {
      const [n, done] = [...open].at(-1) as [number, PromiseWithResolvers<number>];
      open.delete(n);
      end(n, done);
    }
  }
  return { work, seen, endAll };
}

describe("work over connections", () => {
  it("runs at most six at a time, all of them once, and answers in the items' order", async () => {
    const { work, seen, endAll } = workshop();
    const answered = mapConnections(numbers(40), work);
    await endAll((n, done) => done.resolve(n * 10));
    expect(await answered).toEqual(numbers(40).map((n) => n * 10));
    expect(seen.most).toBe(OPEN_CONNECTIONS);
    expect(OPEN_CONNECTIONS).toBe(6);
    expect(seen.started.toSorted((a, b) => a - b)).toEqual(numbers(40));
  });

  it("rejects with a failure only after everything else has ended", async () => {
    const { work, seen, endAll } = workshop();
    let runningAtEnd = -1;
    const answered = mapConnections(numbers(10), work).catch((error: unknown) => {
      runningAtEnd = seen.running;
      return error;
    });
    await endAll((n, done) => (n === 5 ? done.reject(new Error("five")) : done.resolve(n)));
    expect(await answered).toEqual(new Error("five"));
    expect(runningAtEnd).toBe(0);
    expect(seen.started.length).toBe(10);
  });

  it("leaves the other items alone when each is settled by itself", async () => {
    const settled = await settleConnections(numbers(9), async (n) => {
      if (n % 3 === 0) throw new Error(`no ${n}`);
      return n;
    });
    expect(settled.map(({ status }) => status === "fulfilled")).toEqual(numbers(9).map((n) => n % 3 !== 0));
    expect(settled[1]).toEqual({ status: "fulfilled", value: 1 });
    expect(settled[3]).toEqual({ status: "rejected", reason: new Error("no 3") });
  });

  it("settles what throws before its first await, too", async () => {
    const settled = await settleConnections([1, 2], (n) => {
      if (n === 1) throw new Error("at once");
      return Promise.resolve(n);
    });
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });

  it("is nothing for no items", async () => {
    expect(await mapConnections([], () => expect.unreachable())).toEqual([]);
  });
});

describe("chunks", () => {
  it("are runs of at most that size that make up the whole", () => {
    for (const count of [0, 1, 999, 1_000, 1_001, 2_500]) {
      const runs = [...chunks(numbers(count), 1_000)];
      expect(runs.flat()).toEqual(numbers(count));
      expect(runs.length).toBe(Math.ceil(count / 1_000));
      expect(runs.every((run) => run.length >= 1 && run.length <= 1_000)).toBe(true);
    }
  });
});
