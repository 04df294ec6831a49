import * as fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it, vi } from "vitest";
import { Problem } from "../../../shared/http/problems.ts";
import { answer, json, requestIdOf } from "../../../shared/http/answer.ts";
import { readText } from "../../../shared/http/body.ts";
import { readInto, roomFor } from "../../../shared/http/read-into.ts";
import { logger } from "../../../shared/runtime/log.ts";
import { hasVersion } from "../../../workers/gateway/http/etag.ts";
import { readCursor, writeCursor } from "../../../workers/gateway/http/cursor.ts";
import { operation, type Arrival } from "../../../workers/gateway/http/operation.ts";
import { number, oneOf } from "../../../shared/api/parameters.ts";
import { clientOf } from "../../../workers/gateway/http/rate-limit.ts";
import { routerOf } from "../../../workers/gateway/http/router.ts";
import { RUBBISH } from "../../support/assertions/mutations.ts";
import { runs } from "../../support/assertions/fast-check.ts";
import { cpuMilliseconds } from "../../support/stack/cpu-time.ts";
import { CHARACTER } from "../../support/assertions/character.ts";

const characters = (all: string) => fc.constantFrom(...Array.from(all));

const text = fc.oneof(
  fc.string({ unit: CHARACTER, maxLength: 60 }),
  fc.string({ unit: characters('0123456789abcdef:.,-+*"W/ \t%'), maxLength: 60, size: "max" }),
);
/** Characters that a header may contain: visible ASCII, spaces and tabs, or bytes above. */
const headerText = fc
  .string({ unit: characters('aZ09 \t,;:=/"*W-_é'), maxLength: 80, size: "max" })
  .map((value) => value.trim());

/** A body as it arrives: in pieces, with a content-length that may be wrong, and with a limit. */
interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly cuts: readonly number[];
  readonly announced: string | null;
  readonly most: number;
}

const bodies: fc.Arbitrary<Body> = fc
  .record({
    bytes: fc.uint8Array({ maxLength: 400, size: "max" }),
    cuts: fc.array(fc.nat({ max: 400 }), { maxLength: 5 }),
    announced: fc.option(
      fc.oneof(fc.nat({ max: 500 }).map(String), fc.constantFrom("-1", "x", "1e3", "9".repeat(40))),
    ),
    most: fc.nat({ max: 500 }),
  })
  .map(({ bytes, cuts, announced, most }) => ({ bytes: new Uint8Array(bytes), cuts, announced, most }));

function requestOf({ bytes, cuts, announced }: Body): Request {
  const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  const pieces = at.slice(1).map((end, i) => bytes.slice(at[i], end));
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const headers = new Headers(announced === null ? {} : { "content-length": announced });
  return new Request("https://vdc.example/", {
    method: "POST",
    body,
    headers,
    duplex: "half",
  } as RequestInit);
}

/** Returns the result, or the problem with which the work refuses. Any other error fails the test. */
async function orProblem<T>(work: () => Promise<T> | T): Promise<T | Problem> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

describe("a body", () => {
  it("is text only where it is UTF-8, and then the very text", async () => {
    await fc.assert(
      fc.asyncProperty(RUBBISH, async (bytes) => {
        const request = new Request("https://vdc.example/", { method: "POST", body: bytes });
        const read = await orProblem(() => readText(request, 1_000_000));
        if (read instanceof Problem) expect(read.slug).toBe("invalid-body");
        else expect(Buffer.compare(Buffer.from(read), bytes)).toBe(0);
      }),
    );
  });

  it("goes into the room that it announced, or is refused", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const { bytes, announced, most } = body;
        const request = requestOf(body);
        const read = await orProblem(() =>
          readInto(request.body, {
            room: roomFor(request.headers, most),
            maxBytes: most,
            milliseconds: 5_000,
            pace: { bytes: 1, milliseconds: 5_000 },
          }),
        );
        if (read instanceof Problem) {
          expect(["body-too-large", "invalid-body"]).toContain(read.slug);
          expect(bytes.length > most || Number(announced) > most || bytes.length > Number(announced)).toBe(
            true,
          );
        } else expect(Buffer.compare(read, bytes)).toBe(0);
      }),
    );
  });
});

const asking = (given: string) =>
  new Request("https://vdc.example/", { headers: { "if-none-match": given } });

describe("headers", () => {
  it("name a request by themselves only where they are harmless", () => {
    fc.assert(
      fc.property(headerText, (given) => {
        const id = requestIdOf(new Request("https://vdc.example/", { headers: { "x-request-id": given } }));
        expect(id).toMatch(/^[A-Za-z0-9-]{8,64}$/);
      }),
    );
  });

  it("name a version among others, however they are set apart", () => {
    const others = fc.array(fc.constantFrom('"a"', 'W/"b"', '"c d"', ""), { maxLength: 5 });
    const space = fc.constantFrom("", " ", "\t ", "   ");
    fc.assert(
      fc.property(others, fc.constantFrom('"x"', 'W/"x"', "*"), fc.nat(), space, (tags, own, at, gap) => {
        const place = at % (tags.length + 1);
        const all = [...tags.slice(0, place), own, ...tags.slice(place)];
        expect(hasVersion(asking(all.join(`${gap},${gap}`)), '"x"')).toBe(true);
        expect(hasVersion(asking(tags.join(`${gap},${gap}`)), '"x"')).toBe(false);
      }),
    );
  });

  it.each([
    ["spaces", `"a"${" ".repeat(120_000)}"b"`],
    ["commas", ",".repeat(120_000)],
    ["tabs and commas", "\t ,".repeat(40_000)],
  ])("take no time to read, though they are 120 kB of %s", async (_, given) => {
    const spent = await cpuMilliseconds(() => expect(hasVersion(asking(given), '"x"')).toBe(false));
    expect(spent).toBeLessThan(2_000); // 120,000² steps take longer
  });
});

const hex = (groups: readonly number[], long: boolean) =>
  groups.map((one) => (long ? one.toString(16).padStart(4, "0").toUpperCase() : one.toString(16)));

describe("an address", () => {
  it("stands for some client, whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.ipV4(), fc.ipV6()), (address) => {
        expect(clientOf(address).length).toBeLessThanOrEqual(address.length + 40);
      }),
    );
  });

  it("stands for its network when it is of IPv6, in every spelling", () => {
    const group = fc.nat({ max: 0xffff });
    const host = fc.array(group, { minLength: 4, maxLength: 4 });
    const network = fc.array(group, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(network, host, (same, own) => {
        const plain = hex([...same, ...own], false).join(":");
        const long = hex([...same, 0, 0, 0, 0], true).join(":");
        expect(clientOf(long)).toBe(clientOf(plain));
        expect(clientOf(`${hex(same, false).join(":")}::`)).toBe(clientOf(plain));
      }),
    );
  });
});

const Place = v.strictObject({ at: v.pipe(v.number(), v.safeInteger()), id: v.string() });

describe("a cursor", () => {
  it("is read as it was written, and in no other spelling", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.string({ unit: "grapheme" }), (at, id) => {
        expect(readCursor(Place, writeCursor({ at, id }))).toEqual({ at, id });
      }),
    );
  });

  it("is refused with the problem that says so when nobody wrote it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          text,
          RUBBISH.map((bytes) => Buffer.from(bytes).toString("base64url")),
        ),
        async (given) => {
          const read = await orProblem(() => readCursor(Place, given));
          expect(read instanceof Problem ? read.slug : v.is(Place, read)).toBe(
            read instanceof Problem ? "invalid-parameter" : true,
          );
        },
      ),
    );
  });
});

describe("a request", () => {
  const Item = v.strictObject({ name: v.optional(v.string()), items: v.optional(v.array(v.unknown())) });
  const plan = { does: "", who: "anyone", answers: {} } as const;
  const params = v.strictObject({ id: v.pipe(v.string(), v.regex(/^\w{1,9}$/)) });
  const query = v.strictObject({
    limit: number({ least: 1, most: 9, otherwise: 5 }),
    order: v.optional(oneOf(["up"], "")),
  });
  const route = routerOf([
    ["GET", "/things/:id", operation({ ...plan, params, query }, async (call) => json(call.query))],
    ["POST", "/things", operation({ ...plan, body: Item }, async (call) => json(call.body))],
    ["POST", "/signed", operation({ ...plan, body: Item, signed: true }, async (call) => json(call.body))],
  ]);
  const ask = (path: string, init: RequestInit) => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    const request = new Request(`https://vdc.example${path}`, init);
    const env = { RATE_LIMITING: "off" } as Arrival["env"];
    const context = {} as Arrival["context"];
    return answer(request, logger("test"), (requestId, log) =>
      route({ request, env, context, requestId, log }),
    );
  };

  it("is answered or refused, whatever its body is; and what is read is all that was sent", async () => {
    await fc.assert(
      fc.asyncProperty(RUBBISH, fc.constantFrom("/things", "/signed"), async (body, path) => {
        const response = await ask(path, { method: "POST", body });
        const said = await response.text();
        expect([200, 400, 413], said).toContain(response.status);
        if (response.ok) expect(JSON.parse(said)).toEqual(JSON.parse(Buffer.from(body).toString()));
      }),
      { numRuns: runs(100) },
    );
  });

  it("is answered or refused, whatever its path and query are", async () => {
    await fc.assert(
      fc.asyncProperty(text, text, async (id, search) => {
        const path = `/things/${id.toWellFormed().replaceAll(/[?#]/g, "")}?limit=${search.toWellFormed()}`;
        const response = await ask(path, { method: "GET" });
        expect([200, 400, 404, 405], path).toContain(response.status);
      }),
      { numRuns: runs(100) },
    );
  });
});
