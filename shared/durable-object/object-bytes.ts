import type { DurableObjectName } from "../pipeline.ts";

/** The most bytes that a Durable Object can store (Cloudflare, "Durable Objects limits"). */
export const DURABLE_OBJECT_BYTES = 10 * 1024 ** 3;

/** Bytes that the storage of each Durable Object takes, by its name in `shared/pipeline.ts`. */
export type ObjectBytes = Readonly<Partial<Record<DurableObjectName, number>>>;

/** @throws the error of the first object that does not answer: an unknown size does not count as small */
export async function readObjectBytes(
  reads: Readonly<Partial<Record<DurableObjectName, () => Promise<number>>>>,
): Promise<ObjectBytes> {
  const entries = await Promise.all(
    Object.entries(reads).map(async ([name, read]) => [name, await read()] as const),
  );
  return Object.fromEntries(entries);
}
