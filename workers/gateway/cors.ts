import type { Plan } from "./operation.ts";

/** What anyone may call holds nothing of the caller's, so any web page may call it, and read all of the answer. */
export const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "etag, location, retry-after, x-request-id",
};

const A_DAY = "86400"; // seconds; browsers remember it for two hours, or for as long as they see fit

/**
 * The answer to a browser that asks first, for a path with these calls. Of an operator's call it learns nothing: a page of
 * somebody else must never make one.
 */
export function preflight(
  calls: readonly { readonly method: string; readonly plan: Plan }[],
): Record<string, string> {
  const open = calls.filter(({ plan }) => plan.who === "anyone");
  if (open.length === 0) return {};
  const named = open.flatMap(({ plan }) => Object.keys(plan.headers ?? {}));
  return {
    ...CORS,
    "access-control-allow-methods": methodsWithHead(open.map(({ method }) => method)).join(", "),
    "access-control-allow-headers": [...new Set(["content-type", "x-request-id", ...named])].join(", "),
    "access-control-max-age": A_DAY,
  };
}

/** Who takes GET takes HEAD. */
export function methodsWithHead(methods: readonly string[]): string[] {
  return [...new Set(methods)].flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
}
