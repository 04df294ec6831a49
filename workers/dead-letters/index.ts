import { consumeForEver } from "../../shared/consume.ts";
import type { Env } from "./env.ts";
import { park } from "./park.ts";

export { DeadLetters } from "./object.ts";

/** The end of the line: nothing is acked before it is in R2, and in the index of what is there. */
export default {
  queue: consumeForEver("dead-letters", park),
} satisfies ExportedHandler<Env>;
