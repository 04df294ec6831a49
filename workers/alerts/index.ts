import type { Env } from "./env.ts";
import { everyMinute } from "./every-minute.ts";

/** The Worker reads the state of every other one, so it is deployed after all of them except the gateway. */
export default {
  scheduled: (_, env) => everyMinute(env),
} satisfies ExportedHandler<Env>;
