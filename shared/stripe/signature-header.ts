import { StripeRefusal } from "./refusal.ts";

/** Stripe sends one or two signatures of 68 characters; this leaves room for a rotation and for new schemes. */
const MAX_HEADER_LENGTH = 2048;
const TIME = /^\d{1,12}$/;
const V1 = /^[0-9a-f]{64}$/;

/**
 * The signed time in a `Stripe-Signature` header, in seconds since the epoch. Only a header that can be read in
 * one way passes: the SDK takes the last of several times, and in Node throws on a signature that is not hex.
 * https://docs.stripe.com/webhooks/signature
 * @throws StripeRefusal "missing_signature" or "malformed_signature"
 */
export function signedTime(header: string | null): number {
  if (header === null || header === "")
    throw new StripeRefusal(
      "missing_signature",
      "There is no Stripe-Signature header. Only Stripe posts here: send events from the Stripe dashboard or CLI.",
    );
  if (header.length > MAX_HEADER_LENGTH) throw malformed(`it is longer than ${MAX_HEADER_LENGTH} characters`);

  const items = header.split(",").map((item) => item.split("="));
  const values = (scheme: string) => items.filter(([name]) => name === scheme).map((item) => item[1] ?? "");

  const [time, ...moreTimes] = values("t");
  if (time === undefined || !TIME.test(time) || moreTimes.length > 0)
    throw malformed("it does not hold exactly one time t=<seconds>");
  const signatures = values("v1");
  if (signatures.length === 0) throw malformed("it holds no v1 signature");
  if (!signatures.every((signature) => V1.test(signature)))
    throw malformed("a v1 signature is not 64 lower-case hex digits");
  return Number(time);
}

function malformed(why: string): StripeRefusal {
  return new StripeRefusal(
    "malformed_signature",
    `The Stripe-Signature header can't be read: ${why}. Forward the header as Stripe sent it.`,
  );
}
