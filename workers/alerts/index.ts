import type { Env } from "./env.ts";
import { everyMinute } from "./every-minute.ts";

/** The Worker binds what it checks, so it is deployed after all other Workers except the gateway. */
export default {
  scheduled: (_, env) => everyMinute(env),
} satisfies ExportedHandler<Env>;
