import { readBlock } from "../chain/block.ts";
import { transactionBytes } from "../chain/transaction.ts";
import { sha256HexOfFile } from "../crypto/hash.ts";
import { r2Keys } from "./layout.ts";
import { mapConnections } from "./limits.ts";
import { readObject } from "./r2-tier.ts";

/** A block as the chain head sealed it. */
interface Sealed {
  readonly blockNumber: number;
  /** SHA-256 of the stored bytes. */
  readonly sha256: string;
}

/** R2 does not hold the very bytes that the chain head sealed. */
export class NotAsSealed extends Error {}

/**
 * Reads the transactions of sealed blocks, in the order of the chain: entries of the log of transactions.
 * @throws NotAsSealed
 */
export async function readEntries(
  bucket: R2Bucket,
  blocks: readonly Sealed[],
): Promise<readonly (readonly Uint8Array<ArrayBuffer>[])[]> {
  return mapConnections(blocks, async ({ blockNumber, sha256 }) => {
    const bytes = await readObject(bucket, r2Keys.block(blockNumber));
    if (bytes === undefined || (await sha256HexOfFile(bytes)) !== sha256)
      throw new NotAsSealed(
        `R2 does not hold block ${blockNumber} as it was sealed, so no checkpoint covers it: verify its storage`,
      );
    return readBlock(bytes).transactions.map(transactionBytes);
  });
}
