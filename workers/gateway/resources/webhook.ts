import * as v from "valibot";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { REQUEST_ID_HEADER } from "../../../shared/http/answer.ts";
import { errorText } from "../../../shared/runtime/log.ts";
import { IGNORED_HEADER, IGNORED_REASONS } from "../../../shared/stripe/decision.ts";
import { operation, type Call } from "../http/operation.ts";
import * as api from "../../../shared/api/webhook.ts";

const FORWARDED = ["content-length", "content-type", "stripe-signature"];

/** Forwards Stripe's deliveries unchanged, body and signature, to the only Worker that holds Stripe's secret. */
export const webhook = operation(api.webhook, async (call) => {
  const { request, env, requestId, context } = call;
  const headers = new Headers({ [REQUEST_ID_HEADER]: requestId });
  for (const name of FORWARDED) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  const response = await env.INGEST_WEBHOOK.fetch(
    new Request("https://ingest-webhook/", { method: "POST", headers, body: request.body }),
  );
  context.waitUntil(countIgnored(call, response.headers.get(IGNORED_HEADER)));
  return response;
});

/** Counts an ignored event. A failure is only logged: the count is no part of what Stripe was promised. */
async function countIgnored({ env, log }: Call, given: string | null): Promise<void> {
  const reason = v.safeParse(v.picklist(IGNORED_REASONS), given);
  if (!reason.success) return;
  try {
    await chainHead(env).countIgnored(reason.output);
  } catch (error) {
    log.error("webhook.ignored_not_counted", { reason: reason.output, error: errorText(error) });
  }
}
