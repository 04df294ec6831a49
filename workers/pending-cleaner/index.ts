import { consume } from "../../shared/consume.ts";
import { CleanBlock } from "../../shared/messages.ts";
import { clean } from "./clean.ts";
import type { Env } from "./env.ts";

export default {
  queue: consume("pending-cleaner", CleanBlock, clean),
} satisfies ExportedHandler<Env>;
