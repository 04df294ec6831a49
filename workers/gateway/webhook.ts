import { REQUEST_ID_HEADER } from "../../shared/http/answer.ts";
import type { Call } from "./router.ts";

/** Stripe's deliveries go on untouched, body and signature, to the one Worker that holds Stripe's secret. */
export async function webhook({ request, env, requestId }: Call): Promise<Response> {
  const headers = new Headers(request.headers);
  headers.set(REQUEST_ID_HEADER, requestId);
  return env.INGEST_WEBHOOK.fetch(
    new Request("https://ingest-webhook/", { method: "POST", headers, body: request.body }),
  );
}
