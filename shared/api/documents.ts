import * as v from "valibot";
import { MAX_RECORD_BYTES, SignedDocument, StoredDocument } from "../chain/document.ts";
import { Sha256Hex } from "../chain/transaction.ts";
import type { Plan } from "./plan.ts";

export const putDocument = {
  does: "Takes a document that its owner encrypted and signed, into R2 and IPFS; the same again is answered alike",
  who: "anyone",
  body: {
    contentType: "application/json",
    does: "the document's record, byte for byte as `shared/client` made it (docs/format.md)",
    maxBytes: MAX_RECORD_BYTES,
  },
  upload: true,
  headers: { "content-length": "Bytes of the record: no more are read" },
  answers: { 200: StoredDocument },
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
  params: v.strictObject({ documentId: v.pipe(Sha256Hex, v.description("As its upload was answered")) }),
  headers: { "if-none-match": "an ETag that you have: then 304 when it is still right, as it always is" },
  beyondKv: true,
  answers: { 200: SignedDocument, 304: { contentType: null } },
  problems: ["not-found", "unavailable"],
} as const satisfies Plan;
