import { r2Keys } from "../../../shared/storage/layout.ts";
import { r2Pages } from "../../../shared/storage/pages.ts";
import { readStagedMetadata, type StagedFrom } from "../../../shared/storage/staged.ts";
import type { Env } from "../env.ts";

/** Bytes that a miner staged as a block, or that an operator supplied for a restore. */
export interface StagedAttempt {
  readonly key: string;
  /** The reservation from which a miner built the block; `undefined`: an operator supplied it. */
  readonly from: StagedFrom | undefined;
}

/**
 * Lists the attempts at one block. The one that was most likely sealed comes first:
 *
 * - A supplied copy was published, so it comes before every attempt.
 * - Within one life the sealed attempt has the highest revision: a block is sealed only at its reservation's latest revision, and
 *   is never revised afterwards. Attempts at one revision hold the same transactions and have the same hash.
 * - A later life knows every block that an earlier one sealed, so its attempts come first.
 */
export async function stagedAttempts(blockNumber: number, { R2 }: Env): Promise<readonly StagedAttempt[]> {
  const attempts: StagedAttempt[] = [];
  const options: R2ListOptions = { prefix: r2Keys.sealedPrefix(blockNumber), include: ["customMetadata"] };
  for await (const objects of r2Pages(R2, options))
    for (const { key, customMetadata } of objects)
      attempts.push({ key, from: readStagedMetadata(customMetadata) });
  return attempts.toSorted(latestFirst);
}

function latestFirst(a: StagedAttempt, b: StagedAttempt): number {
  if (a.from === undefined || b.from === undefined)
    return Number(a.from !== undefined) - Number(b.from !== undefined);
  if (a.from.life !== b.from.life) return a.from.life < b.from.life ? 1 : -1;
  return b.from.revision - a.from.revision;
}
