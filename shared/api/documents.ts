import { DocumentStatus, MAX_RECORD_BYTES, SignedDocument, StoredDocument } from "../chain/document.ts";
import { OfDocument } from "./parameters.ts";
import type { Plan } from "./plan.ts";

export const putDocument = {
  does: "Takes a document that its owner encrypted and signed: it is in R2 when this is answered, and is then pinned on IPFS. The same again is answered with its state",
  who: "anyone",
  body: {
    contentType: "application/json",
    does: "the document's record, byte for byte as `shared/client` made it (docs/format.md)",
    maxBytes: MAX_RECORD_BYTES,
  },
  upload: true,
  headers: { "content-length": "Bytes of the record: no more are read" },
  answers: { 200: StoredDocument, 202: StoredDocument },
  problems: [
    "invalid-body",
    "body-too-large",
    "invalid-user-signature",
    "not-registered",
    "quota-exceeded",
    "not-configured",
    "unavailable",
  ],
} as const satisfies Plan;

export const document = {
  does: "A document's record, still encrypted to its owner, from R2 or else from IPFS",
  who: "anyone",
  params: OfDocument,
  headers: { "if-none-match": "an ETag that you have: then 304 when it is still right, as it always is" },
  beyondKv: true,
  answers: { 200: SignedDocument, 304: { contentType: null } },
  problems: ["not-found", "unavailable"],
} as const satisfies Plan;

export const documentStatus = {
  does: "Where a document is: stored (in R2, about to be pinned) or pinned (in R2 and on IPFS, when it was last verified)",
  who: "anyone",
  params: OfDocument,
  beyondKv: true,
  answers: { 200: DocumentStatus },
  problems: ["not-found", "unavailable"],
} as const satisfies Plan;
