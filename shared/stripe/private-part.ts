import { canonicalBytes, type Json } from "../crypto/canonical.ts";
import type { MoneyMovement } from "./decision.ts";
import type { StripeEvent } from "./event.ts";

/**
 * Most bytes of the canonical private part, so that the whole payload stays below 60 kB and its envelope fits a queue
 * message (128 kB). Stripe's 50 metadata values of 500 characters alone may need 150 kB of JSON.
 */
const MAX_PART_BYTES = 50_000;

export type StripePrivatePart = { [name: string]: Json };

/** The encrypted facts of a payment. Facts that the event does not hold are left out. */
export function privatePartOf(event: StripeEvent, decision: MoneyMovement): StripePrivatePart {
  const { facts } = decision;
  const refund = decision.kind === "purchase" ? undefined : decision;
  const part = present({
    stripe: present({
      eventId: event.id,
      eventType: event.type,
      apiVersion: event.api_version,
      livemode: event.livemode,
      account: event.account,
      object: facts.objectId,
      paymentIntent: facts.paymentIntent,
      customer: facts.customer,
      refund: refund?.refundId,
      charge: refund?.charge,
    }),
    amount: facts.amount,
    amountRefunded: decision.kind === "refund" ? decision.amountRefunded : undefined,
    currency: facts.currency,
    paymentStatus: facts.paymentStatus,
    failureReason: decision.kind === "refund_failure" ? decision.failureReason : undefined,
    customerEmail: facts.customerEmail,
    customerName: facts.customerName,
    userId: facts.metadata.userId,
    clientReferenceId: facts.clientReferenceId,
  });
  return { ...part, ...boundedMetadata(facts.metadata, MAX_PART_BYTES - canonicalBytes(part).length) };
}

/** Keeps whole entries only, VDC's own first, and records the number of omitted entries. */
function boundedMetadata(metadata: { readonly [name: string]: string }, room: number): StripePrivatePart {
  const entries = Object.entries(metadata).toSorted(([a], [b]) => Number(isOurs(b)) - Number(isOurs(a)));
  let left = room - 100; // the names of the two members around the entries
  const kept = entries.filter(([name, value]) => {
    const size = canonicalBytes({ [name]: value }).length;
    if (size > left) return false;
    left -= size;
    return true;
  });
  const omitted = entries.length - kept.length;
  return {
    ...(kept.length > 0 && { metadata: Object.fromEntries(kept) }),
    ...(omitted > 0 && { metadataOmitted: omitted }),
  };
}

function isOurs(name: string): boolean {
  return name === "assetId" || name === "userId";
}

function present(members: { [name: string]: Json | undefined }): StripePrivatePart {
  return Object.fromEntries(
    Object.entries(members).filter(
      (member): member is [string, Json] => member[1] !== undefined && member[1] !== null && member[1] !== "",
    ),
  );
}
