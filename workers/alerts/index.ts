import type { Env } from "./env.ts";
import { everyMinute } from "./every-minute.ts";

/** Looks at everything, so it is deployed after everything but the gateway. */
export default {
  scheduled: (_, env) => everyMinute(env),
} satisfies ExportedHandler<Env>;
