import { releasePaidIntents } from "../../shared/operations/release-intents.ts";
import { errorText, logger } from "../../shared/runtime/log.ts";
import type { Env } from "./env.ts";
import { sweepActivations } from "./activation/sweep-activations.ts";
import { sweepIntents } from "./submissions/sweep-intents.ts";

/**
 * Finishes what a crash interrupted. The cron is a hint, and every step may be repeated. A failing step does not stop the others.
 * The order matters: a submission that the first step registers may be paid already.
 */
export async function everyTenMinutes(env: Env): Promise<void> {
  const log = logger("accounts", { requestId: crypto.randomUUID(), cause: "schedule" });
  const failures: unknown[] = [];
  for (const work of [
    () => sweepIntents(env, log),
    () => releasePaidIntents(env, log),
    () => sweepActivations(env, log),
  ]) {
    const [outcome] = await Promise.allSettled([work()]);
    if (outcome.status === "rejected") failures.push(outcome.reason);
  }
  for (const failure of failures) log.error("schedule.failed", { error: errorText(failure) });
  if (failures.length > 0) throw new AggregateError(failures, "a part of the scheduled work failed");
}
