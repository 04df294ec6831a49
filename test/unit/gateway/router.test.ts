import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { json } from "../../../shared/http/answer.ts";
import { logger } from "../../../shared/log.ts";
import { number } from "../../../workers/gateway/parameters.ts";
import { operation, type Arrival } from "../../../workers/gateway/operation.ts";
import { routerOf } from "../../../workers/gateway/router.ts";

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
]);

function ask(path: string, body = '{"reason":"x"}'): Promise<Response> {
  const request = new Request(`https://vdc.example${path}`, { method: "POST", body });
  const env = { ADMIN_SECRET: "4f1c0a9be27d4c55b3d8" } as Arrival["env"];
  const context = {} as Arrival["context"];
  return route({ request, env, context, requestId: "test-router", log: logger("test") });
}

describe("a request", () => {
  it("of an operator's call is read in no part before the operator is recognised", async () => {
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

  it("of a public call may carry what others have hung on it, even twice", async () => {
    expect(await (await ask("/open/1?utm=1&utm=2&limit=9")).json()).toMatchObject({ query: { limit: 9 } });
    await expect(ask("/open/1?limit=9&limit=9")).rejects.toMatchObject({ slug: "invalid-parameter" });
  });

  it("of a public call that fails can be read by any web page, as the answer could; an operator's can't", async () => {
    await expect(ask("/open/1?limit=0")).rejects.toMatchObject({
      slug: "invalid-parameter",
      members: { parameter: "limit" },
      headers: { "access-control-allow-origin": "*" },
    });
    await expect(ask("/guarded/1")).rejects.not.toHaveProperty(["headers", "access-control-allow-origin"]);
  });
});
