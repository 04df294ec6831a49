import { REQUEST_ID_HEADER } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { errorText } from "../../../shared/runtime/log.ts";
import { baseUrl, ipfsGateway } from "../../../shared/storage/ipfs-tier.ts";
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

/**
 * Shows a stored document. A document in R2 was pinned before, so it is in both tiers. A document that R2 has lost is read from
 * IPFS and verified.
 */
export const document = operation(api.document, async (call) => {
  const { request, env, params } = call;
  const { documentId } = params;
  await countReadBeyondKv(call);
  const etag = `"${documentId}"`;
  const unchanged = hasVersion(request, etag);
  const headOnly = request.method === "HEAD" || unchanged;
  const key = r2Keys.document(documentId);
  const found =
    (await fromR2(call, documentId, () => (headOnly ? env.R2.head(key) : env.R2.get(key)))) ??
    (await fromIpfs(call, documentId, unchanged));
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

/** Reads from R2; `undefined` when R2 has no such document or can't be read: IPFS may have it. */
async function fromR2(
  { log }: Call,
  documentId: string,
  read: () => Promise<R2Object | R2ObjectBody | null>,
): Promise<ServedDocument | undefined> {
  try {
    const stored = await read();
    if (stored === null) return undefined;
    return { tier: "r2", body: "body" in stored ? stored.body : null, size: stored.size };
  } catch (error) {
    log.error("document.copy_unreadable", { documentId, tier: "r2", error: errorText(error) });
    return undefined;
  }
}

const IPFS_TIMEOUT_MS = 15_000;

/**
 * Reads a document from IPFS. It shows only the record whose CID is in the index.
 * @param unchanged the caller has the record, so its bytes are not read
 * @throws Problem "not-found" only when the index says that no such document was ever stored, else "unavailable"
 */
async function fromIpfs({ env, log }: Call, documentId: string, unchanged: boolean): Promise<ServedDocument> {
  try {
    const indexed = await env.STORAGE_VERIFIER.findDocument(documentId);
    if (indexed === null)
      throw new Problem("not-found", `There is no document ${documentId}.`, { members: { documentId } });
    if (indexed !== "reindexing") {
      if (unchanged) return { tier: "ipfs", body: null, size: indexed.bytes };
      const bytes = await ipfsGateway(baseUrl(env.IPFS_GATEWAY_URL), IPFS_TIMEOUT_MS).fetch(indexed.cid);
      if (bytes !== undefined) return { tier: "ipfs", body: bytes, size: bytes.length };
    }
    log.error("document.copy_unreadable", { documentId, tier: "ipfs", error: "no copy" });
  } catch (error) {
    if (error instanceof Problem) throw error;
    log.error("document.copy_unreadable", { documentId, tier: "ipfs", error: errorText(error) });
  }
  throw new Problem("unavailable", `Document ${documentId} could not be read just now. Try again shortly.`, {
    headers: { "retry-after": "5" },
    members: { documentId },
  });
}
