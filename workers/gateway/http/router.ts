import { IttyRouter, type IRequest } from "itty-router";
import { isPublicWrite, type Method } from "../../../shared/api/plan.ts";
import { problemOf } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { audited } from "./audited.ts";
import { CORS, methodsWithHead, preflight } from "./cors.ts";
import type { Arrival, Operation } from "./operation.ts";
import { recogniseOperator } from "./operator.ts";
import { countWrite } from "./rate-limit.ts";

export type Route = readonly [method: Method, path: string, operation: Operation];

/** A request for which no route has been found yet. */
type Incoming = Omit<Arrival, "params" | "action">;

/**
 * Finds the operation of a request with itty-router. It adds what itty-router lacks: HEAD from GET, and 405 with Allow.
 * @throws Problem "not-found" or "method-not-allowed", and the operation's own errors
 */
export function routerOf(routes: readonly Route[]): (arrival: Incoming) => Promise<Response> {
  const router = IttyRouter<IRequest, [Incoming]>();
  for (const [method, path, operation] of routes)
    router[method.toLowerCase() as Lowercase<Method>](path, (found, arrival) =>
      perform(operation, { ...arrival, action: `${method} ${path}`, params: found.params }),
    );
  const callsAt = (pathname: string) =>
    router.routes.flatMap(([, pattern], i) => {
      const route = pattern.test(pathname) ? routes[i] : undefined;
      return route === undefined ? [] : [{ method: route[0], plan: route[2].plan }];
    });

  return async (arrival) => {
    const { request } = arrival;
    const method = request.method === "HEAD" ? "GET" : request.method;
    const response: Response | undefined = await router.fetch({ method, url: request.url }, arrival);
    if (response !== undefined) return request.method === "HEAD" ? new Response(null, response) : response;
    const calls = callsAt(new URL(request.url).pathname);
    if (calls.length === 0)
      throw new Problem("not-found", "There is nothing at this path. GET / lists what there is.");
    const headers = {
      allow: [...methodsWithHead(calls.map(({ method }) => method)), "OPTIONS"].join(", "),
    };
    if (request.method === "OPTIONS")
      return new Response(null, { status: 204, headers: { ...headers, ...preflight(calls) } });
    throw new Problem("method-not-allowed", `This path takes ${headers.allow}.`, { headers });
  };
}

/** Runs an operation. An operator is recognised before the request is read, and the action is recorded before it runs. */
async function perform(operation: Operation, arrival: Arrival): Promise<Response> {
  const { who } = operation.plan;
  if (who === "operator") return audited(operation, arrival, await recogniseOperator(arrival));
  if (who === "anyone") return open(operation, arrival);
  return operation.work(await operation.read(arrival, undefined));
}

/** Public calls allow CORS on errors too, so that a web page can read why a call failed. */
async function open({ plan, read, work }: Operation, arrival: Arrival): Promise<Response> {
  try {
    if (isPublicWrite(arrival.request.method, plan)) await countWrite(arrival, plan);
    const response = await work(await read(arrival, undefined));
    const withCors = new Response(response.body, response);
    for (const [name, value] of Object.entries(CORS)) withCors.headers.set(name, value);
    return withCors;
  } catch (error) {
    const { slug, message, members, headers } = problemOf(error, arrival.log);
    throw new Problem(slug, message, { members, headers: { ...headers, ...CORS } });
  }
}
