import { consume } from "../../shared/queue/consume.ts";
import { CheckpointBlock } from "../../shared/queue/messages.ts";
import { checkpoint } from "./checkpoint.ts";
import type { Env } from "./env.ts";
import { everyMinute } from "./every-minute.ts";

export { LogHead } from "./log-head/log-head.ts";

/** The Worker answers no HTTP; the gateway serves the logs. */
export default {
  queue: consume("checkpointer", CheckpointBlock, checkpoint),
  scheduled: (_, env) => everyMinute(env),
} satisfies ExportedHandler<Env>;
