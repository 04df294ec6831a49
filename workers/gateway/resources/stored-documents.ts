import { MAX_RECORD_BYTES } from "../../../shared/chain/document.ts";
import { json } from "../../../shared/http/answer.ts";
import { readBytes } from "../../../shared/http/body.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { DocumentPage, DocumentReport } from "../../../shared/api/storage-report.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/stored-documents.ts";

export const storedDocuments = operation(
  api.storedDocuments,
  async ({ env, query: { after = "", limit, status } }) => {
    const page = await env.STORAGE_VERIFIER.documents(after, limit, status);
    if (page === "reindexing") throw reindexing();
    return json(page satisfies DocumentPage);
  },
);

export const verifyDocument = operation(
  api.verifyDocument,
  async ({ env, params: { documentId }, query: { repair }, requestId }) => {
    const report = await env.STORAGE_VERIFIER.verifyDocument(documentId, repair, requestId);
    if (report === "reindexing") throw reindexing();
    if (report === null)
      throw new Problem("not-found", `There is no document ${documentId}.`, { members: { documentId } });
    return json(report satisfies DocumentReport);
  },
);

export const bringDocument = operation(
  api.bringDocument,
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
    return json({ documentId, stored: true, report } satisfies api.AcceptedDocument);
  },
);

function reindexing(): Problem {
  return new Problem(
    "unavailable",
    "The index of documents is being made anew, from R2 and from the pinning service's list. Ask again in a few seconds.",
    { headers: { "retry-after": "5" } },
  );
}
