import { kvKeys } from "../../../shared/storage/layout.ts";
import { kvPages, r2Pages } from "../../../shared/storage/pages.ts";
import type { Pipeline } from "../stack/pipeline.ts";

/** Reads everything that a namespace holds: values and metadata, by key. */
export async function kvContents(
  kv: KVNamespace,
): Promise<Map<string, { value: string; metadata: unknown }>> {
  const contents = new Map<string, { value: string; metadata: unknown }>();
  for await (const keys of kvPages(kv, {}))
    for (const { name, metadata } of keys)
      contents.set(name, { value: (await kv.get(name)) ?? "", metadata });
  return contents;
}

export async function r2Keys(bucket: R2Bucket, prefix = ""): Promise<string[]> {
  const pages = await Array.fromAsync(r2Pages(bucket, { prefix }));
  return pages.flatMap((objects) => objects.map(({ key }) => key));
}

export async function loseKv({ kv }: Pipeline): Promise<void> {
  for (const key of (await kvContents(kv)).keys()) await kv.delete(key);
}

export async function loseR2({ r2 }: Pipeline, prefix: string): Promise<void> {
  const keys = await r2Keys(r2, prefix);
  for (let i = 0; i < keys.length; i += 500) await r2.delete(keys.slice(i, i + 500));
}

/** Copies what a pipeline has stored to another pipeline, whose chain head does not know of it. */
export async function transplant(
  from: Pipeline,
  to: Pipeline,
  what: { kv?: boolean; r2?: boolean },
): Promise<void> {
  if (what.kv)
    for (const [key, { value, metadata }] of await kvContents(from.kv))
      // Replaces the address of the IPFS gateway, which differs between pipelines and stays the same in a deployment.
      await to.kv.put(key, value.replaceAll(from.pinning.gatewayUrl, to.pinning.gatewayUrl), { metadata });
  if (what.r2)
    for (const key of await r2Keys(from.r2)) {
      const object = await from.r2.get(key);
      if (object !== null)
        await to.r2.put(key, await object.arrayBuffer(), { customMetadata: object.customMetadata ?? {} });
    }
}

/** Reads the values of KV, without the time at which a block's record was written. */
export async function kvFacts(kv: KVNamespace): Promise<Record<string, unknown>> {
  const facts: [string, unknown][] = [];
  for (const [key, { value, metadata }] of await kvContents(kv)) {
    const parsed = JSON.parse(value) as { storage?: { storedAt?: number }; at?: number };
    if (key.startsWith(kvKeys.blockPrefix)) delete parsed.storage?.storedAt;
    if (key === kvKeys.indexed) delete parsed.at; // a claim is made anew after a loss
    facts.push([key, { parsed, metadata: metadata ?? null }]);
  }
  return Object.fromEntries(facts.toSorted(([a], [b]) => a.localeCompare(b)));
}
