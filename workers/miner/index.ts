import { chainHead } from "../../shared/chain-head.ts";
import { consume } from "../../shared/consume.ts";
import { errorText, logger } from "../../shared/log.ts";
import { MineRequest } from "../../shared/messages.ts";
import type { Env } from "./env.ts";
import { mine } from "./mine.ts";
import { reportKeys } from "./report-keys.ts";
import { sweepPending } from "./sweep.ts";

/** Cron is a hint: it may come twice or not at all, and all that it starts may be repeated. */
export default {
  queue: consume("miner", MineRequest, mine),
  async scheduled(_, env) {
    const log = logger("miner", { requestId: crypto.randomUUID(), cause: "schedule" });
    // Each for itself: a broken keyring must neither keep the pending objects unseen nor the chain head asleep.
    const outcomes = await Promise.allSettled([
      reportKeys(env),
      sweepPending(env, log),
      chainHead(env).mineIfDue(),
    ]);
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [outcome.reason as unknown] : [],
    );
    for (const failure of failures) log.error("schedule.failed", { error: errorText(failure) });
    if (failures.length > 0) throw new AggregateError(failures, "a part of the scheduled work failed");
  },
} satisfies ExportedHandler<Env>;
