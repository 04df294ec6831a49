import * as v from "valibot";
import type { Plan } from "./plan.ts";

export const Contents = v.strictObject({ name: v.string(), calls: v.array(v.string()) });
export type Contents = v.InferOutput<typeof Contents>;

export const OpenApi = v.looseObject({
  openapi: v.string(),
  info: v.looseObject({ title: v.string(), version: v.string() }),
  paths: v.record(v.string(), v.looseObject({})),
});
export type OpenApi = v.InferOutput<typeof OpenApi>;

export const contents = {
  does: "The list of calls",
  who: "anyone",
  answers: { 200: Contents },
} as const satisfies Plan;

export const openApi = {
  does: "This document: OpenAPI 3.1",
  who: "anyone",
  answers: { 200: OpenApi },
} as const satisfies Plan;
