import type { DocumentStatus } from "../../../shared/chain/document.ts";
import { json, REQUEST_ID_HEADER } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { errorText } from "../../../shared/runtime/log.ts";
import { baseUrl, ipfsGateway } from "../../../shared/storage/ipfs-tier.ts";
import { stateOf } from "../../../shared/storage/documents.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { hasVersion } from "../http/etag.ts";
import { operation, type Call } from "../http/operation.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";
import * as api from "../../../shared/api/documents.ts";

const FOR_EVER = "public, max-age=31536000, immutable";

export const putDocument = operation(api.putDocument, async ({ request, env, requestId }) => {
  const headers = new Headers({ [REQUEST_ID_HEADER]: requestId });
  const length = request.headers.get("content-length");
  if (length !== null) headers.set("content-length", length);
  return env.ACCOUNTS.fetch(
    new Request("https://accounts/", { method: "POST", headers, body: request.body }),
  );
});

/** Shows a stored document. A document that R2 has lost is read from IPFS and verified. */
export const document = operation(api.document, async (call) => {
  const { request, env, params } = call;
  const { documentId } = params;
  await countReadBeyondKv(call);
  const etag = `"${documentId}"`;
  const unchanged = hasVersion(request, etag);
  const headOnly = request.method === "HEAD" || unchanged;
  const key = r2Keys.document(documentId);
  const stored = await fromR2(call, documentId, () => (headOnly ? env.R2.head(key) : env.R2.get(key)));
  const found =
    stored === "missing" || stored === "unreadable"
      ? await fromIpfs(call, documentId, { unchanged, isMissing: stored === "missing" })
      : stored;
  const headers = { etag, "cache-control": FOR_EVER, "x-vdc-tier": found.tier };
  if (unchanged) return new Response(null, { status: 304, headers });
  return new Response(request.method === "HEAD" ? null : found.body, {
    headers: { ...headers, "content-type": "application/json", "content-length": String(found.size) },
  });
});

interface ServedDocument {
  readonly tier: "r2" | "ipfs";
  readonly body: BodyInit | null;
  readonly size: number;
}

/** Shows how far a stored document has come. */
export const documentStatus = operation(api.documentStatus, async (call) => {
  const { documentId } = call.params;
  await countReadBeyondKv(call);
  const indexed = await call.env.STORAGE_VERIFIER.findDocument(documentId);
  if (indexed === null) throw unknown(documentId);
  if (indexed === "reindexing") throw unreadable(documentId);
  const { cid, bytes, status } = indexed;
  return json({ id: documentId, documentCid: cid, bytes, state: stateOf(status) } satisfies DocumentStatus, {
    headers: { "cache-control": "no-store" },
  });
});

/** Reads from R2. IPFS may have a document that R2 lacks or can't read. */
async function fromR2(
  { log }: Call,
  documentId: string,
  read: () => Promise<R2Object | R2ObjectBody | null>,
): Promise<ServedDocument | "missing" | "unreadable"> {
  try {
    const stored = await read();
    if (stored === null) return "missing";
    return { tier: "r2", body: "body" in stored ? stored.body : null, size: stored.size };
  } catch (error) {
    log.error("document.copy_unreadable", { documentId, tier: "r2", error: errorText(error) });
    return "unreadable";
  }
}

const IPFS_TIMEOUT_MS = 15_000;

/**
 * Reads a document from IPFS. It shows only the record whose CID is in the index.
 * @throws Problem "not-found" only when R2 lacks the document and the index says that it was never stored, else "unavailable"
 */
async function fromIpfs(
  { env, log }: Call,
  documentId: string,
  how: {
    /** The caller has the record, so its bytes are not read. */
    readonly unchanged: boolean;
    /** R2 says that it has no such document. */
    readonly isMissing: boolean;
  },
): Promise<ServedDocument> {
  try {
    const indexed = await env.STORAGE_VERIFIER.findDocument(documentId);
    if (indexed === null && how.isMissing) throw unknown(documentId);
    if (indexed !== null && indexed !== "reindexing") {
      if (how.unchanged) return { tier: "ipfs", body: null, size: indexed.bytes };
      const bytes = await ipfsGateway(baseUrl(env.IPFS_GATEWAY_URL), IPFS_TIMEOUT_MS).fetch(indexed.cid);
      if (bytes !== undefined) return { tier: "ipfs", body: bytes, size: bytes.length };
    }
    log.error("document.copy_unreadable", { documentId, tier: "ipfs", error: "no copy" });
  } catch (error) {
    if (error instanceof Problem) throw error;
    log.error("document.copy_unreadable", { documentId, tier: "ipfs", error: errorText(error) });
  }
  throw unreadable(documentId);
}

function unknown(documentId: string): Problem {
  return new Problem("not-found", `There is no document ${documentId}.`, { members: { documentId } });
}

function unreadable(documentId: string): Problem {
  return new Problem("unavailable", `Document ${documentId} could not be read just now. Try again shortly.`, {
    headers: { "retry-after": "5" },
    members: { documentId },
  });
}
