import { readFileSync } from "node:fs";
import { join } from "node:path";
import { classify } from "../../../../shared/stripe/classify.ts";
import type { Decision, EventFamily, RefundFamily } from "../../../../shared/stripe/decision.ts";
import {
  signStripeBody,
  syntheticCheckout,
  type SyntheticEvent,
} from "../../../../cli/local/stripe/synthetic.ts";
import { read, StripeEvent } from "../../../../shared/stripe/event.ts";
import { toTransaction } from "../../../../shared/stripe/to-transaction.ts";
import { verifyStripeEvent } from "../../../../shared/stripe/verify.ts";

export const SECRET = "whsec_test_only_current";
export const OTHER_SECRET = "whsec_test_only_previous";
export const SIGNED_AT = 1_785_747_700; // seconds
export const SALT = new Uint8Array(32).fill(7);

/** A paid purchase of asset-1 by user-1. */
export const PURCHASE = syntheticCheckout({
  seed: 1,
  created: SIGNED_AT - 10,
  assetId: "asset-1",
  userId: "user-1",
});

/** @throws StripeRefusal "unreadable_event" */
export function asEvent(event: object): StripeEvent {
  return read(StripeEvent, structuredClone(event), "event");
}

export function fixture(name: string): SyntheticEvent {
  return JSON.parse(
    readFileSync(join(import.meta.dirname, `../../../fixtures/stripe/${name}.json`), "utf8"),
  ) as SyntheticEvent;
}

/** Returns the same event with some members of its object replaced. */
export function withObject(event: SyntheticEvent, members: SyntheticEvent["data"]["object"]): SyntheticEvent {
  return { ...event, data: { ...event.data, object: { ...event.data.object, ...members } } };
}

export function decide(
  event: object,
  family: EventFamily = "checkout",
  livemode?: boolean,
  refundFamily: RefundFamily = "charge",
): Decision {
  return classify(asEvent(event), { family, refundFamily, livemode });
}

/** Returns the transaction of an event. Throws if the event is ignored. */
export function transactionOf(
  event: object,
  family: EventFamily = "checkout",
  refundFamily: RefundFamily = "charge",
) {
  const decision = decide(event, family, undefined, refundFamily);
  if (decision.kind === "ignored") throw new Error(`ignored: ${decision.reason}`);
  return toTransaction(asEvent(event), decision, { salt: SALT });
}

/** Delivers an event, and returns its snapshot event. */
export async function deliver(rawBody: string, options: { header?: string | null; now?: number } = {}) {
  const { kind, event } = await delivered(rawBody, options);
  if (kind !== "snapshot") throw new Error(`a ${kind} event was delivered`);
  return event;
}

export async function delivered(rawBody: string, options: { header?: string | null; now?: number } = {}) {
  const { header = signStripeBody(rawBody, SECRET, SIGNED_AT), now = SIGNED_AT * 1000 } = options;
  return verifyStripeEvent({ rawBody, signatureHeader: header, secrets: [OTHER_SECRET, SECRET], now });
}
