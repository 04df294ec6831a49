import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { errorText } from "../../../shared/runtime/log.ts";
import { hasVersion } from "./etag.ts";
import type { Call } from "./operation.ts";

const FOR_EVER = "public, max-age=31536000, immutable";

/** Bytes that never change under their path. */
export interface ImmutableObject {
  /** The only spelling of its path, without a query: so no caller makes the cache hold it twice. */
  readonly path: string;
  readonly contentType: string;
  /** Reads the bytes when this location's cache has none. A problem that it throws is never cached. */
  readonly read: () => Promise<Uint8Array<ArrayBuffer>>;
}

/** Answers with bytes that never change, from the cache of this location where it has them. Its ETag is their SHA-256. */
export async function immutable(
  { request, context, log }: Call,
  { path, contentType, read }: ImmutableObject,
): Promise<Response> {
  const key = new URL(path, request.url).href;
  const cached = await caches.default.match(key);
  const response = cached ?? (await made(await read(), contentType));
  if (cached === undefined)
    context.waitUntil(
      caches.default
        .put(key, response.clone())
        .catch((error: unknown) => log.warn("cache.failed", { path, error: errorText(error) })),
    );
  const etag = response.headers.get("etag") ?? "";
  if (!hasVersion(request, etag)) return response;
  await response.body?.cancel();
  return new Response(null, { status: 304, headers: { etag, "cache-control": FOR_EVER } });
}

async function made(bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<Response> {
  return new Response(bytes, {
    headers: {
      etag: `"${await sha256HexOfFile(bytes)}"`,
      "cache-control": FOR_EVER,
      "content-type": contentType,
      "content-length": String(bytes.length),
    },
  });
}
