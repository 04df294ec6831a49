import * as v from "valibot";
import { answer, json } from "../../shared/http/answer.ts";
import { logger } from "../../shared/log.ts";
import type { Env } from "./env.ts";
import { operation } from "./operation.ts";
import { routerOf, type Route } from "./router.ts";
import { ROUTES } from "./routes.ts";

const contents: Route = [
  "GET",
  "/",
  operation({ does: "This list", who: "anyone", answers: { 200: v.unknown() } }, async () =>
    json({ name: "Veritas Documents Chain", calls: ROUTES.map(([method, path]) => `${method} ${path}`) }),
  ),
];
const route = routerOf([...ROUTES, contents]);

export default {
  fetch: (request, env, context) =>
    answer(request, logger("gateway"), (requestId, log) => route({ request, env, context, requestId, log })),
} satisfies ExportedHandler<Env>;
