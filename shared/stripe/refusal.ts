/** Why a delivery from Stripe is answered with an error instead of being accepted or ignored. Shown to operators. */
export const STRIPE_REFUSALS = [
  "missing_signature", // no Stripe-Signature header
  "malformed_signature", // the header is too long, lacks a single time, or has no v1 signature
  "bad_signature", // no configured secret made this signature over this body
  "stale_timestamp", // signed more than the tolerance ago: perhaps a replay
  "future_timestamp", // signed more than the tolerance ahead of our clock
  "not_json", // correctly signed, but the body is not JSON
  "thin_event", // correctly signed, but it does not hold the object, and no key to fetch it is configured
  "event_not_found", // correctly signed and thin, but Stripe holds no event for it
  "unreadable_event", // correctly signed, but lacks a field that its type needs
] as const;

export type StripeRefusalReason = (typeof STRIPE_REFUSALS)[number];

/**
 * The message says what happened and what to do, for a problem answer. It never holds a secret, the body or a part of it,
 * and keeps no cause that could.
 */
export class StripeRefusal extends Error {
  override readonly name = "StripeRefusal";
  readonly reason: StripeRefusalReason;

  constructor(reason: StripeRefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
