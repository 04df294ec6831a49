import { scrub } from "../../shared/runtime/log.ts";
import type { DuePost } from "../../shared/objects/alerts.ts";

const DEADLINE_MS = 10_000;

/**
 * Posts an alert.
 * @returns why the alert was not accepted; `undefined` when it was. The text never names the URL, which may carry a token and which
 * the platform's own errors may quote.
 */
export async function postAlert(webhook: URL, chainId: string, post: DuePost): Promise<string | undefined> {
  try {
    const { ok, status, body } = await fetch(webhook, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(alertBody(chainId, post)),
      redirect: "manual", // a redirected POST would arrive as a GET without its body
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    await body?.cancel();
    return ok ? undefined : `the alert webhook answered ${status}`;
  } catch (error) {
    const name = error instanceof Error ? error.name : "error";
    return `the alert webhook could not be reached (${name})`;
  }
}

/** Chat services (Slack, Mattermost and the like) show `text`; programs read the rest. */
function alertBody(chainId: string, post: DuePost): object {
  const { alert, state, since, at, details } = post;
  const summary = scrub(post.summary);
  return {
    alert,
    state,
    summary,
    since,
    at,
    chainId,
    details: Object.fromEntries(
      Object.entries(details).map(([name, value]) => [
        name,
        typeof value === "string" ? scrub(value) : value,
      ]),
    ),
    text: `${state === "firing" ? "🔴" : "🟢"} ${chainId} ${alert}: ${summary}`,
  };
}
