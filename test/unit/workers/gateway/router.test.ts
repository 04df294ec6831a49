import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { json } from "../../../../shared/http/answer.ts";
import { logger } from "../../../../shared/runtime/log.ts";
import { number } from "../../../../shared/api/parameters.ts";
import { operation, type Arrival } from "../../../../workers/gateway/http/operation.ts";
import { routerOf } from "../../../../workers/gateway/http/router.ts";

const plan = {
  does: "",
  params: v.strictObject({ id: v.string() }),
  query: v.strictObject({ limit: number({ least: 1, most: 9, otherwise: 5 }) }),
  body: v.strictObject({ reason: v.string() }),
  answers: {},
};
const route = routerOf([
  ["POST", "/guarded/:id", operation({ ...plan, who: "operator" }, async () => json({}))],
  [
    "POST",
    "/open/:id",
    operation({ ...plan, who: "anyone" }, async ({ params, query }) => json({ params, query })),
  ],
  [
    "GET",
    "/mixed/:id",
    operation({ ...plan, who: "anyone", body: undefined, headers: { "if-none-match": "" } }, async () =>
      json({}),
    ),
  ],
  ["PUT", "/mixed/:id", operation({ ...plan, who: "operator" }, async () => json({}))],
  ["POST", "/stripe", operation({ ...plan, who: "stripe" }, async () => json({}))],
  [
    "GET",
    "/failing",
    operation({ does: "", who: "anyone", answers: {} }, async () => {
      throw new Error("the database is at 10.0.0.1");
    }),
  ],
]);

function ask(path: string, body: string | null = '{"reason":"x"}', method = "POST"): Promise<Response> {
  const request = new Request(`https://vdc.example${path}`, { method, body });
  const env = { ADMIN_SECRET: "4f1c0a9be27d4c55b3d8" } as Arrival["env"];
  const context = {} as Arrival["context"];
  return route({ request, env, context, requestId: "test-router", log: logger("test") });
}

describe("a request", () => {
  it("is read in no part before its operator is recognised, when its call is an operator's [T27]", async () => {
    for (const [path, body] of [
      ["/guarded/%ff"],
      ["/guarded/1?limit=x&limit=y"],
      ["/guarded/1", "not JSON"],
    ] as const)
      await expect(ask(path, body), path).rejects.toMatchObject({ slug: "unauthorized" });
  });

  it("has its path decoded, and one that can't be is refused with the parameter's name", async () => {
    expect(await (await ask("/open/a%20b%2Fc")).json()).toEqual({
      params: { id: "a b/c" },
      query: { limit: 5 },
    });
    await expect(ask("/open/%ff")).rejects.toMatchObject({
      slug: "invalid-parameter",
      members: { parameter: "id" },
    });
  });

  it("may carry what others have hung on it, even twice, when its call is public", async () => {
    expect(await (await ask("/open/1?utm=1&utm=2&limit=9")).json()).toMatchObject({ query: { limit: 9 } });
    await expect(ask("/open/1?limit=9&limit=9")).rejects.toMatchObject({ slug: "invalid-parameter" });
  });

  it("is answered with a failure that any web page can read, as the answer could, when its call is public; an operator's is not [T23]", async () => {
    await expect(ask("/open/1?limit=0")).rejects.toMatchObject({
      slug: "invalid-parameter",
      members: { parameter: "limit" },
      headers: { "access-control-allow-origin": "*" },
    });
    await expect(ask("/guarded/1")).rejects.not.toHaveProperty(["headers", "access-control-allow-origin"]);
  });

  it("is answered with an unforeseen failure that any web page can read, and that tells nothing, when its call is public [T17]", async () => {
    await expect(ask("/failing", null, "GET")).rejects.toMatchObject({
      slug: "internal-error",
      message: expect.not.stringContaining("10.0.0.1"),
      headers: { "access-control-allow-origin": "*" },
    });
  });
});

async function preflight(path: string): Promise<Record<string, string>> {
  const { status, headers } = await ask(path, null, "OPTIONS");
  expect(status).toBe(204);
  return Object.fromEntries([...headers].filter(([name]) => /^(?:allow|access-control-.*)$/.test(name)));
}

/** The request that a browser sends before a page makes a call that is more than a plain GET. */
describe("a preflight", () => {
  it("lets every page make a call that anyone may make, with the headers that count", async () => {
    expect(await preflight("/open/1")).toEqual({
      allow: "POST, OPTIONS",
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "content-type, x-request-id",
      "access-control-expose-headers":
        "content-disposition, etag, location, retry-after, x-request-id, x-witness-quorum",
      "access-control-max-age": "86400",
    });
  });

  it.for(["/guarded/1", "/stripe"])("allows nothing of %s, which no page may call [T23]", async (path) => {
    expect(await preflight(path)).toEqual({ allow: "POST, OPTIONS" });
  });

  it("allows only the call for anyone of a path that has an operator's call beside it", async () => {
    expect(await preflight("/mixed/1")).toMatchObject({
      allow: "GET, HEAD, PUT, OPTIONS",
      "access-control-allow-methods": "GET, HEAD",
      "access-control-allow-headers": "content-type, x-request-id, if-none-match",
    });
  });

  it("is followed by an answer that the page may read, with the headers that say when to come again", async () => {
    const { headers } = await ask("/open/1");
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("access-control-expose-headers")).toContain("retry-after");
  });
});
