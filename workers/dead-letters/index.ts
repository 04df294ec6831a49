import { consumeForEver } from "../../shared/consume.ts";
import type { MonitorEnv } from "../../shared/monitor.ts";
import { park } from "./park.ts";

export interface Env extends MonitorEnv {
  readonly R2: R2Bucket;
}

/** The end of the line: nothing is acked before it is in R2. */
export default {
  queue: consumeForEver("dead-letters", park),
} satisfies ExportedHandler<Env>;
