import { leafHash, merkleRoot } from "../../../shared/chain/merkle.ts";
import { transactionBytes } from "../../../shared/chain/transaction.ts";
import type { Block } from "../../../shared/chain/block.ts";
import { fromHex, fromUtf8 } from "../../../shared/crypto/bytes.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import { openCheckpoint, type OpenedCheckpoint } from "../../../shared/tlog/open-checkpoint.ts";
import { TileTree } from "../../../shared/tlog/tile-tree.ts";
import { tilePath } from "../../../shared/tlog/tiles.ts";
import type { VerifierKey } from "../../../shared/tlog/vkey.ts";
import { until } from "../stack/patience.ts";

/** The entries of the two logs, as the blocks give them. */
export function entriesOf(blocks: readonly Block[]): { blocks: Uint8Array[]; transactions: Uint8Array[] } {
  return {
    blocks: blocks.map(({ hash }) => fromHex(hash)),
    transactions: blocks.flatMap(({ transactions }) => transactions.map(transactionBytes)),
  };
}

/**
 * Waits until R2 holds the checkpoint of this size and opens it. Throws unless its root is that of the entries and of the
 * stored tiles.
 */
export async function openStored(
  r2: R2Bucket,
  prefix: string,
  entries: readonly Uint8Array[],
  keys: readonly VerifierKey[],
): Promise<OpenedCheckpoint> {
  const note = await until(async () => {
    const bytes = await readObject(r2, r2Keys.logCheckpoint(prefix, entries.length));
    if (bytes === undefined) throw new Error(`there is no checkpoint of ${entries.length} entries yet`);
    return fromUtf8(bytes);
  });
  const opened = await openCheckpoint(note, keys);
  const root = merkleRoot(entries.map(leafHash));
  const tree = new TileTree(entries.length, async (tile) => {
    const bytes = await readObject(r2, `${prefix}${tilePath(tile)}`);
    if (bytes === undefined) throw new Error(`there is no ${prefix}${tilePath(tile)}`);
    return bytes;
  });
  for (const computed of [opened.checkpoint.root, await tree.root()])
    if (Buffer.compare(computed, root) !== 0)
      throw new Error(`${prefix}: the root is not that of the entries`);
  return opened;
}
