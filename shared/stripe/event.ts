import * as v from "valibot";
import { StripeRefusal } from "./refusal.ts";

/**
 * The fields of Stripe's objects that VDC reads, in the API versions 2020-08-27 to 2026-10-28. All schemas are loose,
 * because Stripe adds fields without notice. `maybe` marks a field that is absent in some versions and null in others.
 */

/** Stripe's events rarely exceed 100 kB. `ingest-webhook` enforces the limit, whether or not a length is announced. */
export const MAX_EVENT_BYTES = 256_000;

/** Stripe's limit for one metadata value; longer text is cut, so that the private part stays bounded. */
const MAX_TEXT_LENGTH = 500;

const maybe = <Schema extends v.GenericSchema>(schema: Schema) => v.nullish(schema);

/** "at most 255 characters" (https://docs.stripe.com/upgrades). */
const Id = v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,255}$/, "expected 1 to 255 visible ASCII characters"));

/** Cut after whole code units and repaired: canonical JSON can't hold a lone surrogate. */
const bounded = (text: string) => text.slice(0, MAX_TEXT_LENGTH).toWellFormed();
const Text = v.pipe(v.string(), v.transform(bounded));

/** A reference is an id, or the whole object if the endpoint expands it. */
const reference = <Schema extends v.GenericSchema<string, string>>(id: Schema) =>
  maybe(
    v.union([
      id,
      v.pipe(
        v.looseObject({ id }),
        v.transform((object) => object.id),
      ),
    ]),
  );

const Amount = maybe(v.pipe(v.number(), v.safeInteger()));

/** valibot's record is not used, because it skips an entry that an app has called `constructor`. */
const Metadata = maybe(
  v.pipe(
    v.custom<Readonly<Record<string, string>>>(isTexts, "expected texts by name"),
    v.transform((texts): Record<string, string> =>
      Object.fromEntries(Object.entries(texts).map(([name, text]) => [bounded(name), bounded(text)])),
    ),
  ),
);

function isTexts(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === "string");
}

/** The latest time that JavaScript's Date can hold, in seconds. */
const MAX_SECONDS = 8_640_000_000_000;

export const StripeEvent = v.looseObject({
  id: Id,
  object: v.literal("event"),
  type: Text,
  created: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_SECONDS)),
  livemode: v.boolean(),
  account: maybe(Id),
  api_version: maybe(Text),
  data: v.looseObject({
    object: v.looseObject({}),
    previous_attributes: v.optional(v.unknown()),
  }),
});

/** A snapshot event: it carries its object. */
export type StripeEvent = v.InferOutput<typeof StripeEvent>;

export const Thin = v.looseObject({
  id: Id,
  type: Text,
  livemode: maybe(v.boolean()),
  /** The connected account as which the event's objects are read. */
  context: maybe(Id),
  snapshot_event: maybe(Id),
});

export const CheckoutSession = v.looseObject({
  id: Id,
  mode: maybe(v.string()),
  payment_status: Text,
  payment_intent: reference(Id),
  amount_total: Amount,
  currency: maybe(Text),
  customer: reference(Text),
  customer_email: maybe(Text),
  customer_details: maybe(
    v.looseObject({ email: maybe(Text), name: maybe(Text), individual_name: maybe(Text) }),
  ),
  client_reference_id: maybe(Text),
  metadata: Metadata,
});

export const PaymentIntent = v.looseObject({
  id: Id,
  status: maybe(Text),
  amount: Amount,
  amount_received: Amount,
  currency: maybe(Text),
  customer: reference(Text),
  receipt_email: maybe(Text),
  metadata: Metadata,
});

export const Invoice = v.looseObject({
  id: Id,
  status: maybe(Text),
  amount_paid: Amount,
  currency: maybe(Text),
  customer: reference(Text),
  customer_email: maybe(Text),
  customer_name: maybe(Text),
  metadata: Metadata,
  payment_intent: reference(Id), // up to 2025-02-24
  payments: maybe(
    v.looseObject({
      data: v.array(
        v.looseObject({
          status: maybe(v.string()),
          is_default: maybe(v.boolean()),
          payment: maybe(v.looseObject({ payment_intent: reference(Id) })),
        }),
      ),
    }),
  ), // from 2025-03-31, if the endpoint expands it
  subscription_details: maybe(v.looseObject({ metadata: Metadata })), // up to 2025-02-24
  parent: maybe(v.looseObject({ subscription_details: maybe(v.looseObject({ metadata: Metadata })) })),
});

export const Charge = v.looseObject({
  id: Id,
  amount_refunded: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  captured: maybe(v.boolean()),
  refunded: maybe(v.boolean()),
  payment_intent: reference(Id),
  invoice: reference(Id), // up to 2025-02-24
  currency: maybe(Text),
  customer: reference(Text),
  receipt_email: maybe(Text),
  billing_details: maybe(v.looseObject({ email: maybe(Text), name: maybe(Text) })),
  metadata: Metadata,
  refunds: maybe(v.looseObject({ data: v.array(v.looseObject({ id: Id, amount: Amount })) })), // up to 2022-08-01
});

export const PreviousCharge = v.looseObject({
  amount_refunded: Amount,
  amount_captured: Amount,
  captured: maybe(v.boolean()),
});

export const Refund = v.looseObject({
  id: Id,
  status: maybe(Text),
  amount: Amount,
  currency: maybe(Text),
  charge: reference(Id),
  payment_intent: reference(Id),
  customer: reference(Text), // in newer versions only
  reason: maybe(Text),
  failure_reason: maybe(Text),
  metadata: Metadata,
});

/** @throws StripeRefusal "unreadable_event", which names the field and nothing that the event holds */
export function read<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  throw new StripeRefusal(
    "unreadable_event",
    `The ${what} does not look as Stripe documents it (${fieldOf(result.issues[0])}). Set the endpoint to a Stripe ` +
      "API version from 2020-08-27 to 2026-10-28 and deliver the event again.",
  );
}

/** Ends the path before a name inside metadata: these names are the app's own and may be personal. */
function fieldOf(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? "";
  return path.replace(/\bmetadata\..*/s, "metadata") || "all of it";
}
