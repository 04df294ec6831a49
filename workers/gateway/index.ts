import { answer } from "../../shared/http/answer.ts";
import { logger } from "../../shared/runtime/log.ts";
import type { Env } from "./env.ts";
import { routerOf } from "./http/router.ts";
import { ROUTES } from "./routes.ts";

const route = routerOf(ROUTES);

export default {
  fetch: (request, env, context) =>
    answer(request, logger("gateway"), (requestId, log) => route({ request, env, context, requestId, log })),
} satisfies ExportedHandler<Env>;
