import { read, StripeEvent } from "./event.ts";
import { StripeRefusal } from "./refusal.ts";
import { accountOf, readThin, snapshotType, type ThinEvent } from "./thin.ts";

const STRIPE_URL = "https://api.stripe.com";
/** https://docs.stripe.com/changelog */
const STRIPE_VERSION = "2026-10-28.endive";
const TIMEOUT_MS = 8_000;

/** Access to Stripe's API. */
export interface StripeApi {
  /** A restricted key that may read events. */
  readonly key: string;
  /** undefined: Stripe's own URL. */
  readonly url: URL | undefined;
}

/** Stripe did not return the event. Stripe's answers quote ids and a part of the key, so none of their text is kept. */
export class StripeCallFailed extends Error {
  override readonly name = "StripeCallFailed";
  /** `key`: Stripe refuses the key. `unavailable`: Stripe did not answer, or cannot answer now. */
  readonly what: "key" | "unavailable";
  readonly status: number | undefined;

  constructor(what: "key" | "unavailable", status: number | undefined) {
    super(what === "key" ? "Stripe refuses STRIPE_API_KEY" : "Stripe did not give the event");
    this.what = what;
    this.status = status;
  }
}

/**
 * Fetches the snapshot event of a thin event from Stripe, so that both make the same transaction.
 * @throws StripeRefusal "event_not_found" when Stripe has no such event for this key, "unreadable_event"
 * @throws StripeCallFailed otherwise
 */
export async function fetchEvent(thin: ThinEvent, api: StripeApi): Promise<StripeEvent> {
  const ask = (path: string) => get(path, thin.context ?? undefined, api);
  const snapshot =
    thin.snapshot_event ??
    readThin(await ask(`/v2/core/events/${encodeURIComponent(thin.id)}`)).snapshot_event;
  if (typeof snapshot !== "string") throw withoutSnapshot();
  const event = read(StripeEvent, await ask(`/v1/events/${encodeURIComponent(snapshot)}`), "event");
  const isOther =
    event.id !== snapshot ||
    event.type !== snapshotType(thin) ||
    (typeof thin.livemode === "boolean" && event.livemode !== thin.livemode);
  if (isOther) throw withoutSnapshot();
  // Stripe names the account in the events that it delivers, but not in an event that is fetched as the account.
  const account = event.account ?? accountOf(thin);
  return account === undefined ? event : { ...event, account };
}

/** Tries once: Stripe delivers the event again. Follows no redirect, so that the key goes to no other host. */
async function get(path: string, context: string | undefined, { key, url }: StripeApi): Promise<unknown> {
  const { status, body } = await answerOf(new URL(path, url ?? STRIPE_URL), {
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      accept: "application/json",
      authorization: `Bearer ${key}`,
      "stripe-version": STRIPE_VERSION,
      ...(context !== undefined && { "stripe-context": context }),
    },
  });
  if (status === 404)
    throw new StripeRefusal(
      "event_not_found",
      "Stripe holds no such event for STRIPE_API_KEY. Check that the key is of the account and mode that sends the " +
        "event. Stripe keeps events for 30 days.",
    );
  if (status === 401 || status === 403) throw new StripeCallFailed("key", status);
  if (status !== 200 || body === undefined) throw new StripeCallFailed("unavailable", status);
  return body;
}

/** `body` is undefined when it is not JSON. @throws StripeCallFailed when no complete answer came in time */
async function answerOf(url: URL, init: RequestInit): Promise<{ status: number; body: unknown }> {
  let status: number | undefined;
  try {
    const response = await fetch(url, init);
    status = response.status;
    return { status, body: parsed(await response.text()) };
  } catch {
    throw new StripeCallFailed("unavailable", status);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withoutSnapshot(): StripeRefusal {
  return new StripeRefusal(
    "event_not_found",
    "Stripe holds no snapshot event that fits this thin event. Set the event destination's payload style to snapshot.",
  );
}
