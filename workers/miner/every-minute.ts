import { chainHead } from "../../shared/chain-head.ts";
import { errorText, logger } from "../../shared/log.ts";
import type { Env } from "./env.ts";
import { reportKeys } from "./report-keys.ts";
import { sweepPending } from "./sweep.ts";

/**
 * What the clock starts. Cron is a hint: it may come twice or not at all, and all of this may be repeated. In this
 * order, for what is swept up may be due; each for itself, for a broken keyring must neither keep the pending objects
 * unseen nor the chain head asleep.
 */
export async function everyMinute(env: Env): Promise<void> {
  const log = logger("miner", { requestId: crypto.randomUUID(), cause: "schedule" });
  const failures: unknown[] = [];
  for (const work of [
    () => reportKeys(env),
    () => sweepPending(env, log),
    () => chainHead(env).mineIfDue(),
  ]) {
    const [outcome] = await Promise.allSettled([work()]);
    if (outcome.status === "rejected") failures.push(outcome.reason);
  }
  for (const failure of failures) log.error("schedule.failed", { error: errorText(failure) });
  if (failures.length > 0) throw new AggregateError(failures, "a part of the scheduled work failed");
}
