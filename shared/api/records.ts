import * as v from "valibot";
import { MAX_RECORD_JSON_BYTES, RecordKind, StoredRecord } from "../storage/records.ts";
import { number } from "./parameters.ts";
import type { Plan } from "./plan.ts";

/** The records of a kind, in the order of their keys. */
export const RecordPage = v.strictObject({
  records: v.array(
    v.strictObject({
      id: v.string(),
      version: v.pipe(
        v.nullable(v.string()),
        v.description("Changes when the record does; null: it has to be read to know"),
      ),
    }),
  ),
  next: v.pipe(v.nullable(v.string()), v.description("The `cursor` of the page after; null on the last")),
});
export type RecordPage = v.InferOutput<typeof RecordPage>;

/**
 * The outcome of uploading a record. `stored`: something was written. Otherwise the present object stays, or the record
 * is not needed.
 */
export const BroughtRecord = v.strictObject({
  kind: RecordKind,
  recordId: v.string(),
  stored: v.boolean(),
  detail: v.string(),
});
export type BroughtRecord = v.InferOutput<typeof BroughtRecord>;

const Kind = v.pipe(RecordKind, v.description("A kind of data that is in one place only"));

const OfRecord = v.strictObject({
  kind: Kind,
  recordId: v.pipe(v.string(), v.maxLength(100), v.description("As the list of the kind has it")),
});

export const storedRecords = {
  does: "Every stored record of a kind that no other tier has, for an export",
  who: "operator",
  query: v.strictObject({
    kind: Kind,
    cursor: v.optional(v.pipe(v.string(), v.maxLength(2_000), v.description("`next` of the page before"))),
    limit: number({ least: 1, most: 1_000, otherwise: 1_000 }, "Records in a page, at most"),
  }),
  answers: { 200: RecordPage },
} as const satisfies Plan;

export const exportRecord = {
  does: "A record as it is stored, encrypted where it is encrypted",
  who: "operator",
  params: OfRecord,
  answers: { 200: StoredRecord },
  problems: ["not-found"],
} as const satisfies Plan;

export const bringRecord = {
  does: "Brings a record of an export back: stored where it is missing, and never in the place of another",
  who: "operator",
  params: OfRecord,
  body: {
    contentType: "application/json",
    does: "the record, exactly as it was exported",
    maxBytes: MAX_RECORD_JSON_BYTES,
  },
  answers: { 200: BroughtRecord },
  problems: [
    "invalid-body",
    "body-too-large",
    "not-ready",
    "invalid-user-signature",
    "not-registered",
    "not-configured",
    "unavailable",
  ],
} as const satisfies Plan;
