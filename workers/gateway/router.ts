import { IttyRouter, type IRequest } from "itty-router";
import { Problem } from "../../shared/http/problems.ts";
import type { Log } from "../../shared/log.ts";
import type { Env } from "./env.ts";

/** All that a handler gets to see. */
export interface Call {
  readonly request: Request;
  /** Decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly env: Env;
  readonly context: ExecutionContext;
  readonly requestId: string;
  readonly log: Log;
}

export type Handler = (call: Call) => Promise<Response>;
export type Method = "GET" | "POST" | "DELETE";
export type Route = readonly [method: Method, path: string, handler: Handler];

/**
 * itty-router finds the handler; what it leaves out is here: HEAD from GET, 405 with Allow, decoded parameters.
 * @throws Problem "not-found", "method-not-allowed" or "invalid-parameter"
 */
export function routerOf(
  routes: readonly Route[],
): (call: Omit<Call, "params" | "query">) => Promise<Response> {
  const router = IttyRouter<IRequest, [Omit<Call, "params" | "query">]>();
  for (const [method, path, handler] of routes)
    router[method.toLowerCase() as Lowercase<Method>](path, (found, call) =>
      handler({ ...call, params: decoded(found.params), query: new URL(call.request.url).searchParams }),
    );
  const methodsOf = (pathname: string) =>
    [
      ...new Set(router.routes.filter(([, pattern]) => pattern.test(pathname)).map(([method]) => method)),
    ].flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));

  return async (call) => {
    const { request } = call;
    const method = request.method === "HEAD" ? "GET" : request.method;
    const response: Response | undefined = await router.fetch({ method, url: request.url }, call);
    if (response !== undefined) return request.method === "HEAD" ? new Response(null, response) : response;
    const allowed = methodsOf(new URL(request.url).pathname);
    if (allowed.length === 0)
      throw new Problem("not-found", "There is nothing at this path. GET / lists what there is.");
    const headers = { allow: [...allowed, "OPTIONS"].join(", ") };
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers });
    throw new Problem("method-not-allowed", `This path takes ${headers.allow}.`, { headers });
  };
}

function decoded(params: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      try {
        return [name, decodeURIComponent(value ?? "")];
      } catch {
        throw new Problem("invalid-parameter", `${name} is not percent-encoded UTF-8.`);
      }
    }),
  );
}
