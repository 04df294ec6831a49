import { chainHead } from "../../shared/objects/chain-head.ts";
import { errorText, logger } from "../../shared/runtime/log.ts";
import { keyringOf, type Env } from "./env.ts";
import { sweepPending } from "./sweep.ts";

/**
 * Reports the keys, sweeps, and requests mining if it is due. The cron is a hint: it may come twice or not at all, and every step
 * may be repeated. The sweep comes before mining, because a swept transaction may be due. A failing step does not stop the
 * others: a broken keyring must neither hide the pending objects nor stop mining requests.
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

/**
 * Reports to the chain head, every minute, which envelopes this miner can open and with which key it signs. So `/api/ready` shows
 * a broken or wrong keyring before a payment has to wait. The keyring must fit both the key to which payments are sealed and the
 * chain.
 */
async function reportKeys(env: Env): Promise<void> {
  const { encryption, signing } = await keyringOf(env);
  await chainHead(env).minerKeys({ keyIds: encryption.keyIds, signingKeyId: signing.active.keyId });
}
