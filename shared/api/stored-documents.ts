import * as v from "valibot";
import { MAX_RECORD_BYTES, IndexedStatus } from "../chain/document.ts";
import { Sha256Hex } from "../chain/transaction.ts";
import { flag, number, OfDocument } from "./parameters.ts";
import type { Plan } from "./plan.ts";
import { DocumentPage, DocumentReport } from "./storage-report.ts";

export const storedDocuments = {
  does: "Every stored document, in the order of ids, with what its latest verification found",
  who: "operator",
  query: v.strictObject({
    after: v.optional(
      v.pipe(Sha256Hex, v.description("Only documents behind this id: `next` of the page before")),
    ),
    limit: number({ least: 1, most: 1_000, otherwise: 1_000 }, "Documents in a page, at most"),
    status: v.optional(
      v.pipe(IndexedStatus, v.description("Only those of which the latest verification says this")),
    ),
  }),
  answers: { 200: DocumentPage },
  problems: ["unavailable"],
} as const satisfies Plan;

export const verifyDocument = {
  does: "Checks the bytes of a document in R2 and on IPFS, and restores what is missing or wrong from the other",
  who: "operator",
  params: OfDocument,
  query: v.strictObject({ repair: flag(true, "false: report only, and change nothing") }),
  answers: { 200: DocumentReport },
  problems: ["not-found", "unavailable"],
} as const satisfies Plan;

export const AcceptedDocument = v.strictObject({
  documentId: Sha256Hex,
  stored: v.literal(true),
  report: DocumentReport,
});
export type AcceptedDocument = v.InferOutput<typeof AcceptedDocument>;

export const bringDocument = {
  does: "Brings a sound record of a document from elsewhere, an export say: R2 and IPFS are restored from it",
  who: "operator",
  params: OfDocument,
  body: {
    contentType: "application/json",
    does: "the document's record, exactly as it was exported",
    maxBytes: MAX_RECORD_BYTES,
  },
  answers: { 200: AcceptedDocument },
  problems: ["invalid-body", "body-too-large", "not-registered", "unavailable"],
} as const satisfies Plan;
