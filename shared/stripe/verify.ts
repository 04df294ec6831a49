import { read, StripeEvent } from "./event.ts";
import { StripeRefusal } from "./refusal.ts";
import { isSignedWith, parseSignature } from "./signature.ts";
import { isThin, readThin, type ThinEvent } from "./thin.ts";

/**
 * Tolerance into the past and into the future. Stripe's libraries bound the past by the same 300 seconds, and the future
 * not at all.
 */
const TOLERANCE_SECONDS = 300;

interface StripeDelivery {
  /** The body exactly as received: one changed space changes the signature. */
  rawBody: string;
  signatureHeader: string | null;
  /** All secrets that are valid now, so that one can be rotated: any of them suffices. */
  secrets: readonly string[];
  /** Milliseconds since the epoch. */
  now: number;
}

/** The contents of a delivery: an event with its object, or one without. */
export type Delivered =
  | { readonly kind: "snapshot"; readonly event: StripeEvent }
  | { readonly kind: "thin"; readonly event: ThinEvent };

/**
 * Verifies a delivery and returns its event. No part of the body is read before its signature is verified.
 * @throws StripeRefusal when the delivery is not authentic, not recent, or not an event
 * @throws TypeError when no secret is configured: an unsigned delivery is never accepted
 */
export async function verifyStripeEvent(delivery: StripeDelivery): Promise<Delivered> {
  if (delivery.secrets.length === 0 || delivery.secrets.some((secret) => secret.trim() === ""))
    throw new TypeError("no Stripe webhook secret is configured, or one is blank");

  const signature = parseSignature(delivery.signatureHeader);
  refuseOtherTimes(signature.time, delivery.now);
  for (const secret of delivery.secrets)
    if (await isSignedWith(secret, signature, delivery.rawBody)) return deliveredIn(parse(delivery.rawBody));
  throw new StripeRefusal(
    "bad_signature",
    "No configured secret made this signature over this body. Check that STRIPE_WEBHOOK_SECRET is the signing " +
      "secret of this very endpoint (whsec_…) and that nothing between Stripe and here changes the body.",
  );
}

function refuseOtherTimes(time: number, now: number): void {
  const age = Math.floor(now / 1000) - time;
  if (age > TOLERANCE_SECONDS)
    throw new StripeRefusal(
      "stale_timestamp",
      `The signature is more than ${TOLERANCE_SECONDS} seconds old. Let Stripe deliver the event again; it signs anew.`,
    );
  if (age < -TOLERANCE_SECONDS)
    throw new StripeRefusal(
      "future_timestamp",
      `The signature's time is more than ${TOLERANCE_SECONDS} seconds ahead. Check the sender's clock and deliver again.`,
    );
}

function parse(rawBody: string): unknown {
  try {
    return JSON.parse(rawBody);
  } catch {
    throw new StripeRefusal(
      "not_json",
      "The signature is good, but the body is not JSON. Post the event's JSON.",
    );
  }
}

function deliveredIn(body: unknown): Delivered {
  if (isThin(body)) return { kind: "thin", event: readThin(body) };
  if ((body as { object?: unknown } | null)?.object !== "event")
    throw new StripeRefusal(
      "unreadable_event",
      "The signature is good, but the body is not a Stripe event. Point this endpoint at Stripe's event deliveries only.",
    );
  return { kind: "snapshot", event: read(StripeEvent, body, "event") };
}
