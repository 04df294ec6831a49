import type { Plan } from "../../../shared/api/plan.ts";

/**
 * CORS headers of calls that anyone may make. Their answers hold nothing of the caller's, so any web page may call them and read
 * the whole answer.
 */
export const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "content-disposition, etag, location, retry-after, x-request-id, x-witness-quorum",
};

const A_DAY = "86400"; // seconds; browsers remember it for two hours, or as long as they choose

/**
 * Answers a browser's preflight request for a path with these calls. It reveals nothing about an operator's call, because another
 * site's page must never make one.
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

/** Adds HEAD wherever GET is allowed. */
export function methodsWithHead(methods: readonly string[]): string[] {
  return [...new Set(methods)].flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
}
