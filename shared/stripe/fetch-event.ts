import { Stripe } from "stripe";
import { StripeRefusal } from "./refusal.ts";
import { accountOf, snapshotType, type ThinEvent } from "./thin.ts";

const TIMEOUT_MS = 8_000;

/** How Stripe's API is asked. */
export interface StripeApi {
  /** A restricted key that may read events. */
  readonly key: string;
  /** undefined: Stripe's own. */
  readonly url: URL | undefined;
}

/** Stripe did not give the event. The SDK's errors quote ids and a part of the key, so none of their text is kept. */
export class StripeCallFailed extends Error {
  override readonly name = "StripeCallFailed";
  /** `key`: Stripe refuses the key. `unavailable`: it did not answer, or not now. */
  readonly what: "key" | "unavailable";
  readonly status: number | undefined;

  constructor(what: "key" | "unavailable", status: number | undefined) {
    super(what === "key" ? "Stripe refuses STRIPE_API_KEY" : "Stripe did not give the event");
    this.what = what;
    this.status = status;
  }
}

/**
 * The snapshot event that a thin event stands for, as Stripe holds it: so both make the same transaction.
 * @throws StripeRefusal "event_not_found" when Stripe has no such event for this key
 * @throws StripeCallFailed otherwise
 */
export async function fetchEvent(thin: ThinEvent, api: StripeApi): Promise<Stripe.Event> {
  const stripe = clientOf(api);
  const options = typeof thin.context === "string" ? { stripeContext: thin.context } : {};
  const snapshot =
    thin.snapshot_event ??
    (await answered(() => stripe.v2.core.events.retrieve(thin.id, {}, options))).snapshot_event;
  if (snapshot === undefined) throw withoutSnapshot();
  const event = await answered(() => stripe.events.retrieve(snapshot, {}, options));
  const isOther =
    event.id !== snapshot ||
    event.type !== snapshotType(thin) ||
    (typeof thin.livemode === "boolean" && event.livemode !== thin.livemode);
  if (isOther) throw withoutSnapshot();
  // Stripe names the account in what it delivers, and not in what is asked for as the account.
  const account = event.account ?? accountOf(thin);
  return account === undefined ? event : { ...event, account };
}

function clientOf({ key, url }: StripeApi): Stripe {
  return new Stripe(key, {
    httpClient: Stripe.createFetchHttpClient(),
    timeout: TIMEOUT_MS,
    maxNetworkRetries: 0, // Stripe delivers the event again
    telemetry: false,
    ...(url !== undefined && {
      protocol: url.protocol === "http:" ? "http" : "https",
      host: url.hostname,
      port: url.port || (url.protocol === "http:" ? 80 : 443),
    }),
  });
}

async function answered<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    const { statusCode: status } = error;
    if (status === 404)
      throw new StripeRefusal(
        "event_not_found",
        "Stripe holds no such event for STRIPE_API_KEY. Check that the key is of the account and mode that sends the " +
          "event. Stripe keeps events for 30 days.",
      );
    throw new StripeCallFailed(status === 401 || status === 403 ? "key" : "unavailable", status);
  }
}

function withoutSnapshot(): StripeRefusal {
  return new StripeRefusal(
    "event_not_found",
    "Stripe holds no snapshot event that fits this thin event. Set the event destination's payload style to snapshot.",
  );
}
