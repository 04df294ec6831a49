import { signStripeBody, type SyntheticEvent } from "./synthetic.ts";

/** The webhook's answer: for a taken event, an ignored one, or a problem. */
export interface DeliveryAnswer {
  readonly received?: boolean;
  readonly txId?: string;
  readonly type?: string;
  readonly ignored?: string;
  readonly detail?: string;
}

/** Delivers an event as Stripe does: the signed raw body, over HTTP. */
export async function deliver(
  url: string,
  secret: string,
  event: SyntheticEvent,
  signal?: AbortSignal,
): Promise<{ status: number; body: DeliveryAnswer }> {
  const rawBody = JSON.stringify(event);
  const signature = signStripeBody(rawBody, secret, Math.floor(Date.now() / 1_000));
  const response = await fetch(`${url}/api/stripe/webhook`, {
    method: "POST",
    headers: { "content-type": "application/json", "stripe-signature": signature },
    body: rawBody,
    ...(signal && { signal }),
  });
  return { status: response.status, body: await response.json() };
}
