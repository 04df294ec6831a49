import { consumeTogether } from "../../shared/queue/consume.ts";
import { PendingTransaction } from "../../shared/queue/messages.ts";
import type { Env } from "./env.ts";
import { writePending } from "./write-pending.ts";

export default {
  queue: consumeTogether("pending-writer", PendingTransaction, writePending),
} satisfies ExportedHandler<Env>;
