import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { observedFetch } from "../../../../shared/storage/observed-fetch.ts";
import { retryAfterSeconds } from "../../../../shared/storage/retry-after.ts";

describe("Retry-After", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");

  it.each([
    ["0", 0],
    ["7", 7],
    ["120", 120],
    ["999999", 999_999],
    ["Sun, 22 Nov 2026 12:00:30 GMT", 30],
    ["Sun, 22 Nov 2026 12:00:00 GMT", 0],
    ["Sun, 22 Nov 2026 11:00:00 GMT", 0], // passed already
  ])("%s is %d seconds", (header, seconds) => {
    expect(retryAfterSeconds(header, now)).toBe(seconds);
  });

  it.each([null, "", "soon", "1e9x", "-", "never mind", "٣"])("%s is nothing to go by", (header) => {
    expect(retryAfterSeconds(header, now)).toBeUndefined();
  });

  it("is never less than nothing", () => {
    for (const header of ["-5", "1.5", "12345678"])
      expect(retryAfterSeconds(header, now) ?? 0).toBeGreaterThanOrEqual(0);
  });
});

describe("an observed fetch", () => {
  let server: Server;
  let url: string;
  let aborted: Promise<void>;
  beforeAll(async () => {
    const seenAbort = Promise.withResolvers<void>();
    aborted = seenAbort.promise;
    server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://test");
      if (pathname === "/stall") {
        request.socket.once("close", () => seenAbort.resolve());
        return;
      }
      const after = searchParams.get("after");
      response.writeHead(after === null ? 200 : 429, after === null ? {} : { "retry-after": after });
      response.end("ok");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const status = async (path: string) => (await fetch(`${url}${path}`)).status;

  it("answers what the work answers", async () => {
    expect(await observedFetch(5_000, () => status("/"))).toEqual({ result: 200 });
  });

  it("tells the Retry-After that the work did not look at, also when the work fails", async () => {
    expect(await observedFetch(5_000, () => status("/?after=17"))).toEqual({ result: 429, retryAfter: 17 });
    const failed = await observedFetch(5_000, async () => {
      await status("/?after=9");
      throw new Error("429");
    });
    expect(failed).toEqual({ error: new Error("429"), retryAfter: 9 });
  });

  it("tells its own Retry-After, and none of another's", async () => {
    const [first, second, none] = await Promise.all([
      observedFetch(5_000, () => status("/?after=2")),
      observedFetch(5_000, () => status("/?after=30")),
      observedFetch(5_000, () => status("/")),
    ]);
    expect([first, second, none].map(({ retryAfter }) => retryAfter)).toEqual([2, 30, undefined]);
  });

  it("ends a request that is never answered, on the wire too", async () => {
    const { error, result } = await observedFetch(100, () => status("/stall"));
    expect(result).toBeUndefined();
    expect(error).toBeInstanceOf(Error);
    await aborted;
  });

  it("ends work that waits for something else after its request", async () => {
    const { error } = await observedFetch(50, async () => {
      await fetch(`${url}/`);
      return new Promise<never>(() => {});
    });
    expect(error).toMatchObject({ name: "TimeoutError" });
  });

  it("answers with the error of work that throws at once, and restores the global", async () => {
    const global = globalThis.fetch;
    const { error } = await observedFetch(1_000, () => {
      throw new Error("at once");
    });
    expect(error).toEqual(new Error("at once"));
    expect(globalThis.fetch).toBe(global);
  });

  it("refuses work that begins its request later, for it would have no deadline", async () => {
    const { error, result } = await observedFetch(1_000, async () => {
      await Promise.resolve();
      return status("/");
    });
    expect(result).toBeUndefined();
    expect(String(error)).toContain("not begun at once");
  });

  it("leaves the requests of others alone while it waits", async () => {
    const waiting = observedFetch(100, () => status("/stall"));
    const others = await Promise.all([status("/?after=1"), status("/")]);
    expect(others).toEqual([429, 200]);
    expect(await waiting).toMatchObject({ error: expect.any(Error) });
  });
});
