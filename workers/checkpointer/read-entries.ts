import { readBlock } from "../../shared/chain/block.ts";
import { transactionBytes } from "../../shared/chain/transaction.ts";
import { sha256HexOfFile } from "../../shared/crypto/hash.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { mapConnections } from "../../shared/storage/limits.ts";
import { readObject } from "../../shared/storage/r2-tier.ts";
import type { LogBlock } from "../chain-head/reads/log-blocks.ts";

/**
 * Reads the transactions of sealed blocks, in the order of the chain: entries of the log of transactions.
 * @throws Error when R2 does not hold the very bytes that the chain head sealed
 */
export async function readEntries(
  bucket: R2Bucket,
  blocks: readonly LogBlock[],
): Promise<readonly (readonly Uint8Array<ArrayBuffer>[])[]> {
  return mapConnections(blocks, async ({ blockNumber, sha256 }) => {
    const bytes = await readObject(bucket, r2Keys.block(blockNumber));
    if (bytes === undefined || (await sha256HexOfFile(bytes)) !== sha256)
      throw new Error(
        `R2 does not hold block ${blockNumber} as it was sealed, so no checkpoint covers it: verify its storage`,
      );
    return readBlock(bytes).transactions.map(transactionBytes);
  });
}
