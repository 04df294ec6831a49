import { consume } from "../../shared/queue/consume.ts";
import { PersistBlock } from "../../shared/queue/messages.ts";
import type { Env } from "./env.ts";
import { persist } from "./persist.ts";

export default {
  queue: consume("tier-persister", PersistBlock, persist),
} satisfies ExportedHandler<Env>;
