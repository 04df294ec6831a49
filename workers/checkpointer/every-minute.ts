import { errorText, logger } from "../../shared/runtime/log.ts";
import { askWitnesses } from "./ask-witnesses.ts";
import type { Env } from "./env.ts";
import { stampCheckpoint } from "./stamp-checkpoint.ts";

/**
 * Has the newest checkpoint cosigned and stamped. The cron is a hint: it may come twice or not at all, and every step may be
 * repeated. A failing step does not stop the other.
 */
export async function everyMinute(env: Env): Promise<void> {
  const log = logger("checkpointer", { requestId: crypto.randomUUID(), cause: "schedule" });
  const steps = await Promise.allSettled([askWitnesses(env, log), stampCheckpoint(env, log)]);
  const failures = steps.flatMap((step) => (step.status === "rejected" ? [step.reason as unknown] : []));
  for (const failure of failures) log.error("schedule.failed", { error: errorText(failure) });
  if (failures.length > 0) throw new AggregateError(failures, "a part of the scheduled work failed");
}
