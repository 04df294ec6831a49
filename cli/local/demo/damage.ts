import { workerName } from "../../../shared/pipeline.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type { Stack } from "../stack/stack.ts";

/** Deletes block 1 from KV and flips one bit of block 2 in R2, directly in the storage. */
export async function damageStorage({ miniflare }: Stack): Promise<void> {
  const kv = await miniflare.getKVNamespace("KV", workerName("gateway"));
  await kv.delete(kvKeys.block(1));
  const bucket = await miniflare.getR2Bucket("R2", workerName("gateway"));
  const object = await bucket.get(r2Keys.block(2));
  if (object === null) throw new Error("R2 has no block 2");
  const bytes = new Uint8Array(await object.arrayBuffer());
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await bucket.put(r2Keys.block(2), bytes);
}
