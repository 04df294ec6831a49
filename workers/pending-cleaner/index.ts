import { consume } from "../../shared/queue/consume.ts";
import { CleanBlock } from "../../shared/queue/messages.ts";
import { clean } from "./clean.ts";
import type { Env } from "./env.ts";

export default {
  queue: consume("pending-cleaner", CleanBlock, clean),
} satisfies ExportedHandler<Env>;
