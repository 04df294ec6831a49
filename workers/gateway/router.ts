import { IttyRouter, type IRequest } from "itty-router";
import { Problem } from "../../shared/http/problems.ts";
import { audited } from "./audited.ts";
import { CORS } from "./cors.ts";
import type { Arrival, Operation } from "./operation.ts";
import { recogniseOperator } from "./operator.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";
export type Route = readonly [method: Method, path: string, operation: Operation];

/** A request on its way to its route. */
type Incoming = Omit<Arrival, "params" | "action">;

/**
 * itty-router finds the operation; what it leaves out is here: HEAD from GET, 405 with Allow.
 * @throws Problem "not-found" or "method-not-allowed", and whatever the operation throws
 */
export function routerOf(routes: readonly Route[]): (arrival: Incoming) => Promise<Response> {
  const router = IttyRouter<IRequest, [Incoming]>();
  for (const [method, path, operation] of routes)
    router[method.toLowerCase() as Lowercase<Method>](path, (found, arrival) =>
      perform(operation, { ...arrival, action: `${method} ${path}`, params: found.params }),
    );
  const methodsOf = (pathname: string) =>
    [
      ...new Set(router.routes.filter(([, pattern]) => pattern.test(pathname)).map(([method]) => method)),
    ].flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));

  return async (arrival) => {
    const { request } = arrival;
    const method = request.method === "HEAD" ? "GET" : request.method;
    const response: Response | undefined = await router.fetch({ method, url: request.url }, arrival);
    if (response !== undefined) return request.method === "HEAD" ? new Response(null, response) : response;
    const allowed = methodsOf(new URL(request.url).pathname);
    if (allowed.length === 0)
      throw new Problem("not-found", "There is nothing at this path. GET / lists what there is.");
    const headers = { allow: [...allowed, "OPTIONS"].join(", ") };
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers });
    throw new Problem("method-not-allowed", `This path takes ${headers.allow}.`, { headers });
  };
}

/** An operator is recognised before anything of the request is read, and recorded before anything is done. */
async function perform(operation: Operation, arrival: Arrival): Promise<Response> {
  const { who } = operation.plan;
  if (who === "operator") return audited(operation, arrival, await recogniseOperator(arrival));
  if (who === "anyone") return open(operation, arrival);
  return operation.work(await operation.read(arrival, undefined));
}

/** A web page that may read the answer must be able to read why there is none. */
async function open({ read, work }: Operation, arrival: Arrival): Promise<Response> {
  try {
    return await work(await read(arrival, undefined));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { slug, message, members, headers } = error;
    throw new Problem(slug, message, { members, headers: { ...headers, ...CORS } });
  }
}
