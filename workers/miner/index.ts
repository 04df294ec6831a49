import { consume } from "../../shared/queue/consume.ts";
import { MineRequest } from "../../shared/queue/messages.ts";
import type { Env } from "./env.ts";
import { everyMinute } from "./every-minute.ts";
import { mine } from "./mine.ts";

export default {
  queue: consume("miner", MineRequest, mine),
  scheduled: (_, env) => everyMinute(env),
} satisfies ExportedHandler<Env>;
