import type { DurableObjectName } from "./pipeline.ts";

/** A Durable Object takes so many bytes and no more (Cloudflare, "Durable Objects limits"). */
export const DURABLE_OBJECT_BYTES = 10 * 1024 ** 3;

/** Bytes that each Durable Object's storage takes, by its name in `shared/pipeline.ts`. */
export type ObjectBytes = Readonly<Partial<Record<DurableObjectName, number>>>;

/** @throws what the first object throws that does not answer: unknown is not small */
export async function readObjectBytes(
  reads: Readonly<Partial<Record<DurableObjectName, () => Promise<number>>>>,
): Promise<ObjectBytes> {
  const entries = await Promise.all(
    Object.entries(reads).map(async ([name, read]) => [name, await read()] as const),
  );
  return Object.fromEntries(entries);
}
