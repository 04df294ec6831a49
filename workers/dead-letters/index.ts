import { consumeForEver } from "../../shared/queue/consume.ts";
import type { Env } from "./env.ts";
import { park } from "./entries/park.ts";

export { DeadLetters } from "./object.ts";

/** The end of the line: a message is acked only after it is in R2 and in the index. */
export default {
  queue: consumeForEver("dead-letters", park),
} satisfies ExportedHandler<Env>;
