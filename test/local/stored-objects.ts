import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

/** Reads from R2 while no stack runs on the data directory. */
export async function storedObjects(dataDirectory: string, prefix: string): Promise<Map<string, Uint8Array>> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: join(dataDirectory, "platform"),
      telemetry: { enabled: false },
      modules: true,
      script: "export default { fetch: () => new Response() }",
      r2Buckets: { R2: "vdc" },
    }),
  );
  try {
    const bucket = await miniflare.getR2Bucket("R2");
    const { objects } = await bucket.list({ prefix });
    const found = new Map<string, Uint8Array>();
    for (const { key } of objects) {
      const object = await bucket.get(key);
      if (object !== null) found.set(key, new Uint8Array(await object.arrayBuffer()));
    }
    return found;
  } finally {
    await miniflare.dispose();
  }
}
