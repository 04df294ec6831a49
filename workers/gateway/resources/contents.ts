import * as v from "valibot";
import { json } from "../../../shared/http/answer.ts";
import { operation } from "../http/operation.ts";
import type { Route } from "../http/router.ts";

export const Contents = v.strictObject({ name: v.string(), calls: v.array(v.string()) });
export type Contents = v.InferOutput<typeof Contents>;

export const OpenApi = v.looseObject({
  openapi: v.string(),
  info: v.looseObject({ title: v.string(), version: v.string() }),
  paths: v.record(v.string(), v.looseObject({})),
});
export type OpenApi = v.InferOutput<typeof OpenApi>;

/**
 * Adds the calls that describe the interface: the list of calls and the OpenAPI document. The document is an argument, because
 * its generator reads these routes too.
 */
export function withContents(routes: readonly Route[], document: OpenApi): readonly Route[] {
  const calls = [...routes.map(([method, path]) => `${method} ${path}`), "GET /openapi.json"];
  return [
    ...routes,
    [
      "GET",
      "/",
      operation({ does: "The list of calls", who: "anyone", answers: { 200: Contents } }, async () =>
        json({ name: "Veritas Documents Chain", calls } satisfies Contents),
      ),
    ],
    [
      "GET",
      "/openapi.json",
      operation({ does: "This document: OpenAPI 3.1", who: "anyone", answers: { 200: OpenApi } }, async () =>
        json(document satisfies OpenApi, { headers: { "cache-control": "public, max-age=300" } }),
      ),
    ],
  ];
}
