import * as v from "valibot";
import { MAX_RECORD_BYTES } from "../../../shared/chain/document.ts";
import { Sha256Hex } from "../../../shared/chain/transaction.ts";
import { json } from "../../../shared/http/answer.ts";
import { readBytes } from "../../../shared/http/body.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { DocumentPage, DocumentReport, IndexedStatus } from "../../../shared/storage/report.ts";
import { operation } from "../http/operation.ts";
import { flag, number } from "../http/parameters.ts";

const OfDocument = v.strictObject({
  documentId: v.pipe(Sha256Hex, v.description("As its upload was answered")),
});

export const storedDocuments = operation(
  {
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
  },
  async ({ env, query: { after = "", limit, status } }) => {
    const page = await env.STORAGE_VERIFIER.documents(after, limit, status);
    if (page === "reindexing") throw reindexing();
    return json(page satisfies DocumentPage);
  },
);

export const verifyDocument = operation(
  {
    does: "Checks the bytes of a document in R2 and on IPFS, and restores what is missing or wrong from the other",
    who: "operator",
    params: OfDocument,
    query: v.strictObject({ repair: flag(true, "false: report only, and change nothing") }),
    answers: { 200: DocumentReport },
    problems: ["not-found", "unavailable"],
  },
  async ({ env, params: { documentId }, query: { repair }, requestId }) => {
    const report = await env.STORAGE_VERIFIER.verifyDocument(documentId, repair, requestId);
    if (report === "reindexing") throw reindexing();
    if (report === null)
      throw new Problem("not-found", `There is no document ${documentId}.`, { members: { documentId } });
    return json(report satisfies DocumentReport);
  },
);

export const AcceptedDocument = v.strictObject({
  documentId: Sha256Hex,
  stored: v.literal(true),
  report: DocumentReport,
});
export type AcceptedDocument = v.InferOutput<typeof AcceptedDocument>;

export const bringDocument = operation(
  {
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
  },
  async ({ env, request, params: { documentId }, requestId }) => {
    const bytes = await readBytes(request, MAX_RECORD_BYTES);
    const answer = await env.STORAGE_VERIFIER.acceptDocument(documentId, bytes, requestId);
    if (answer === "reindexing") throw reindexing();
    if ("invalid" in answer)
      throw new Problem("invalid-body", `Not document ${documentId}: ${answer.invalid}.`, {
        members: { member: null },
      });
    if ("unregistered" in answer)
      throw new Problem(
        "not-registered",
        `No block registers its owner ${answer.unregistered}, with the key that it is encrypted to. Restore the chain first.`,
      );
    const { report } = answer;
    if (!report.r2.present && !report.ipfs.present)
      throw new Problem("unavailable", `It could be put neither into R2 nor on IPFS: ${report.message}.`, {
        headers: { "retry-after": "30" },
      });
    return json({ documentId, stored: true, report } satisfies AcceptedDocument);
  },
);

function reindexing(): Problem {
  return new Problem(
    "unavailable",
    "The index of documents is being made anew, from R2 and from the pinning service's list. Ask again in a few seconds.",
    { headers: { "retry-after": "5" } },
  );
}
