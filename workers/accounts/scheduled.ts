import { releasePaidIntents } from "../../shared/intents.ts";
import { errorText, logger } from "../../shared/log.ts";
import type { Env } from "./env.ts";
import { sweepActivations } from "./sweep-activations.ts";
import { sweepIntents } from "./sweep-intents.ts";
import { sweepUploads } from "./sweep-uploads.ts";

/**
 * What the clock starts: what a crash left half done is finished. Cron is a hint, and all of this may be repeated. Each for
 * itself, in this order: what is swept up may be paid.
 */
export async function everyTenMinutes(env: Env): Promise<void> {
  const log = logger("accounts", { requestId: crypto.randomUUID(), cause: "schedule" });
  const failures: unknown[] = [];
  for (const work of [
    () => sweepIntents(env, log),
    () => releasePaidIntents(env, log),
    () => sweepUploads(env, log),
    () => sweepActivations(env, log),
  ]) {
    const [outcome] = await Promise.allSettled([work()]);
    if (outcome.status === "rejected") failures.push(outcome.reason);
  }
  for (const failure of failures) log.error("schedule.failed", { error: errorText(failure) });
  if (failures.length > 0) throw new AggregateError(failures, "a part of the scheduled work failed");
}
