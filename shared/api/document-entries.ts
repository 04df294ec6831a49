import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { Sha256Hex } from "../chain/transaction.ts";
import { DocumentEntry } from "../storage/document-entry.ts";
import { CLAIM } from "./indexed-through.ts";
import { number } from "./parameters.ts";
import type { Plan } from "./plan.ts";

export const FoundDocument = v.strictObject({
  sha256: v.pipe(Sha256Hex, v.description("SHA-256 of the document, as the transaction's `documentHash`")),
  blockNumber: BlockNumber,
  index: v.pipe(
    v.number(),
    v.safeInteger(),
    v.minValue(0),
    v.description("The transaction's place in the block"),
  ),
  ...DocumentEntry.entries,
});
export type FoundDocument = v.InferOutput<typeof FoundDocument>;

export const FoundDocuments = v.strictObject({
  documents: v.pipe(
    v.array(FoundDocument),
    v.description(
      "In the order of hash, block and place, so the oldest transaction of a document comes first",
    ),
  ),
  ...CLAIM,
  next: v.pipe(
    v.nullable(v.string()),
    v.description(
      "The `after` of the next page; null on the last. A page may hold fewer than `limit` and not be the last",
    ),
  ),
});
export type FoundDocuments = v.InferOutput<typeof FoundDocuments>;

/** The fewest digits of a prefix. Fewer would name more documents than a reader wants to page through. */
export const LEAST_PREFIX_DIGITS = 4;

const PAGE = {
  after: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[!-~]{1,1024}$/, "expected the `next` of the page before, as it is"),
      v.description("`next` of the page before"),
    ),
  ),
  limit: number({ least: 1, most: 1_000, otherwise: 100 }, "Transactions in a page, at most"),
};

export const documentsByHash = {
  does: "The mined transactions that commit to a document, by the document's whole SHA-256",
  who: "anyone",
  params: v.strictObject({
    sha256: v.pipe(Sha256Hex, v.description("SHA-256 of the document itself, in lower-case hex")),
  }),
  query: v.strictObject(PAGE),
  answers: { 200: FoundDocuments },
  problems: ["unavailable"],
  beyondKv: true,
} as const satisfies Plan;

export const documentsByPrefix = {
  does: "The mined transactions that commit to any document whose SHA-256 begins with these digits. Compare the hashes yourself: nobody then learns which document you have",
  who: "anyone",
  query: v.strictObject({
    prefix: v.pipe(
      v.string(),
      v.regex(
        new RegExp(`^[0-9a-f]{${LEAST_PREFIX_DIGITS},64}$`),
        `expected ${LEAST_PREFIX_DIGITS} to 64 lower-case hex digits`,
      ),
      v.description("The first digits of the SHA-256: the fewer, the less they tell"),
    ),
    ...PAGE,
  }),
  answers: { 200: FoundDocuments },
  problems: ["unavailable"],
  beyondKv: true,
} as const satisfies Plan;
