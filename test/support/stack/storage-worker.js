/**
 * A Worker that gives tests the KV namespace and the R2 bucket over HTTP; `remote-storage.ts` is its client.
 * Miniflare's own bindings would block the test's process during each call.
 *
 * Header `x-call`: `{ on: "KV" | "R2", method, args }` as JSON, percent-encoded. A put takes its value from the body. A
 * `get` answers with the value as body and the rest in `x-found`, which is `null` if there is no value. Every other
 * method answers with JSON.
 */
export default {
  async fetch(request, env) {
    const { on, method, args } = JSON.parse(decodeURIComponent(request.headers.get("x-call")));
    try {
      return await answer(env[on], on, method, args, request);
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  },
};

async function answer(storage, on, method, args, request) {
  if (method === "put") {
    const [key, options] = args;
    const result = await storage.put(key, await request.arrayBuffer(), options);
    return Response.json(on === "R2" ? plain(result) : null);
  }
  if (method === "get" && on === "R2") {
    const object = await storage.get(...args);
    return object === null ? found(null, null) : found(await object.arrayBuffer(), plain(object));
  }
  if (method === "get" && on === "KV") {
    const { value, metadata } = await storage.getWithMetadata(args[0], "arrayBuffer");
    return value === null ? found(null, null) : found(value, { metadata });
  }
  const result = await storage[method](...args);
  if (on === "R2" && method === "head") return Response.json(plain(result));
  if (on === "R2" && method === "list")
    return Response.json({
      objects: result.objects.map(plain),
      truncated: result.truncated,
      cursor: result.cursor,
      delimitedPrefixes: result.delimitedPrefixes,
    });
  return Response.json(result ?? null);
}

const found = (value, rest) =>
  new Response(value, { headers: { "x-found": encodeURIComponent(JSON.stringify(rest)) } });

function plain(object) {
  if (object === null) return null;
  const { key, version, size, etag, httpEtag, uploaded, httpMetadata, customMetadata } = object;
  return { key, version, size, etag, httpEtag, uploaded: uploaded.getTime(), httpMetadata, customMetadata };
}
