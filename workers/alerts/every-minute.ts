import { logger, type Log } from "../../shared/runtime/log.ts";
import type { DuePost } from "../../shared/objects/alerts.ts";
import { monitor } from "../../shared/objects/monitor.ts";
import { checkAlerts } from "./checks.ts";
import { limitsOf, webhookOf, type Env } from "./env.ts";
import { postAlert } from "./post.ts";
import { read } from "./readings.ts";

/** Reads the state, records the checks, posts what is due. A failed post stays due and is tried again the next minute. */
export async function everyMinute(env: Env): Promise<void> {
  const log = logger("alerts", { requestId: crypto.randomUUID(), cause: "schedule" });
  const limits = limitsOf(env, log);
  const checks = checkAlerts(await read(env, log), limits, Date.now());
  for (const { alert, firing, summary } of await monitor(env).recordAlerts(checks))
    if (firing) log.error("alert.firing", { alert, summary });
    else log.info("alert.resolved", { alert, summary });
  const webhook = webhookOf(env, log);
  if (webhook === undefined) return;
  const due = await monitor(env).takeDuePosts(limits.repeatSeconds);
  await Promise.all(due.map((post) => deliver(post, webhook, env, log)));
}

async function deliver(post: DuePost, webhook: URL, env: Env, log: Log): Promise<void> {
  const fields = { alert: post.alert, state: post.state };
  const refusal = await postAlert(webhook, env.CHAIN_ID, post);
  await monitor(env).recordPost(post, refusal === undefined);
  if (refusal === undefined) log.info("alert.posted", fields);
  else log.error("alert.not_posted", { ...fields, error: refusal });
}
