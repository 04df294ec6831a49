import { fromHex, utf8 } from "../crypto/bytes.ts";
import { StripeRefusal } from "./refusal.ts";

/** Characters. Stripe sends one or two signatures of 68 characters; this leaves room for new schemes. */
const MAX_HEADER_LENGTH = 2048;
/**
 * Enough for every secret that is valid while secrets are rolled, and a few more. Each signature costs an HMAC over the
 * body.
 */
const MAX_SIGNATURES = 5;
const TIME = /^(?:0|[1-9]\d{0,11})$/;
const V1 = /^[0-9a-f]{64}$/;

interface StripeSignature {
  /** Seconds since the epoch. */
  readonly time: number;
  /** 32 bytes each. */
  readonly signatures: readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Reads a `Stripe-Signature` header: `t=<seconds>,v1=<hex>[,v1=<hex>…]`. Other schemes are ignored. Only a header with a
 * single meaning passes. https://docs.stripe.com/webhooks/signature
 * @throws StripeRefusal "missing_signature" or "malformed_signature"
 */
export function parseSignature(header: string | null): StripeSignature {
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
  if (signatures.length > MAX_SIGNATURES)
    throw malformed(`it holds more than ${MAX_SIGNATURES} v1 signatures`);
  if (!signatures.every((signature) => V1.test(signature)))
    throw malformed("a v1 signature is not 64 lower-case hex digits");
  return { time: Number(time), signatures: signatures.map(fromHex) };
}

/**
 * Decides whether one of the signatures is HMAC-SHA-256 of `<time>.<rawBody>` under the secret. Compares in constant
 * time.
 */
export async function isSignedWith(
  secret: string,
  { time, signatures }: StripeSignature,
  rawBody: string,
): Promise<boolean> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8(secret), algorithm, false, ["verify"]);
  const signed = utf8(`${time}.${rawBody}`);
  const verdicts = await Promise.all(
    signatures.map((signature) => crypto.subtle.verify("HMAC", key, signature, signed)),
  );
  return verdicts.includes(true);
}

function malformed(why: string): StripeRefusal {
  return new StripeRefusal(
    "malformed_signature",
    `The Stripe-Signature header can't be read: ${why}. Forward the header as Stripe sent it.`,
  );
}
