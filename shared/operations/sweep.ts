import type { SweepPlaces } from "../../workers/chain-head/decisions/sweep.ts";
import { chainHead, type ChainHeadEnv } from "../objects/chain-head.ts";

/** A folder of R2 that a sweep reads, some objects in each run. */
export interface SweptFolder {
  /** The name under which the chain head stores the sweep's position. */
  readonly name: keyof SweepPlaces;
  readonly prefix: string;
  /** Objects that one run reads, at most 1,000. */
  readonly atOnce: number;
}

/**
 * Reads the next objects of a folder, with their custom metadata. A run continues where the last one stopped and starts
 * again at the end, so its work does not grow with the number of objects. The chain head stores the position only after
 * `look` is done.
 * @param after the position that the chain head stores; null: from the beginning
 */
export async function sweepNext(
  { name, prefix, atOnce }: SweptFolder,
  after: string | null,
  env: ChainHeadEnv & { readonly R2: R2Bucket },
  look: (objects: readonly R2Object[]) => Promise<void>,
): Promise<void> {
  const { objects, truncated } = await env.R2.list({
    prefix,
    limit: atOnce,
    include: ["customMetadata"],
    ...(after !== null && { startAfter: after }),
  });
  await look(objects);
  const through = truncated ? (objects.at(-1)?.key ?? null) : null;
  if (through !== after) await chainHead(env).noteSwept(name, through);
}
