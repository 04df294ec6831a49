import { answer } from "../../shared/http/answer.ts";
import { logger } from "../../shared/runtime/log.ts";
import { withContents } from "./resources/contents.ts";
import type { Env } from "./env.ts";
import openapi from "./openapi.json" with { type: "json" };
import { routerOf } from "./http/router.ts";
import { ROUTES } from "./routes.ts";

const route = routerOf(withContents(ROUTES, openapi));

export default {
  fetch: (request, env, context) =>
    answer(request, logger("gateway"), (requestId, log) => route({ request, env, context, requestId, log })),
} satisfies ExportedHandler<Env>;
