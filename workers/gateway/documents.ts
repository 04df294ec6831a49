import * as v from "valibot";
import { MAX_RECORD_BYTES, SignedDocument, StoredDocument } from "../../shared/chain/document.ts";
import { Sha256Hex } from "../../shared/chain/transaction.ts";
import { REQUEST_ID_HEADER } from "../../shared/http/answer.ts";
import { Problem } from "../../shared/http/problems.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { hasVersion } from "./etag.ts";
import { operation } from "./operation.ts";
import { countReadBeyondKv } from "./rate-limit.ts";

const FOR_EVER = "public, max-age=31536000, immutable";

export const putDocument = operation(
  {
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
  },
  async ({ request, env, requestId }) => {
    const headers = new Headers({ [REQUEST_ID_HEADER]: requestId });
    const length = request.headers.get("content-length");
    if (length !== null) headers.set("content-length", length);
    return env.ACCOUNTS.fetch(
      new Request("https://accounts/", { method: "POST", headers, body: request.body }),
    );
  },
);

/** What is in R2 has been pinned before, so what is shown here is in both. */
export const document = operation(
  {
    does: "A document's record, still encrypted to its owner",
    who: "anyone",
    params: v.strictObject({ documentId: v.pipe(Sha256Hex, v.description("As its upload was answered")) }),
    headers: { "if-none-match": "an ETag that you have: then 304 when it is still right, as it always is" },
    beyondKv: true,
    answers: { 200: SignedDocument, 304: { contentType: null } },
    problems: ["not-found"],
  },
  async (call) => {
    const { request, env, params } = call;
    const { documentId } = params;
    await countReadBeyondKv(call);
    const etag = `"${documentId}"`;
    const unchanged = hasVersion(request, etag);
    const key = r2Keys.document(documentId);
    const stored = request.method === "HEAD" || unchanged ? await env.R2.head(key) : await env.R2.get(key);
    if (stored === null)
      throw new Problem("not-found", `There is no document ${documentId}.`, { members: { documentId } });
    const headers = { etag, "cache-control": FOR_EVER };
    if (unchanged) return new Response(null, { status: 304, headers });
    const body = "body" in stored ? (stored as R2ObjectBody).body : null;
    return new Response(body, {
      headers: { ...headers, "content-type": "application/json", "content-length": String(stored.size) },
    });
  },
);
