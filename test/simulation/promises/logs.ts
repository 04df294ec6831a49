import type { Block } from "../../../shared/chain/block.ts";
import { leafHash, merkleRoot } from "../../../shared/chain/merkle.ts";
import { transactionBytes } from "../../../shared/chain/transaction.ts";
import { base64, fromHex, utf8 } from "../../../shared/crypto/bytes.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { parseCheckpoint } from "../../../shared/tlog/checkpoint.ts";
import { parseNote } from "../../../shared/tlog/note.ts";
import { TileTree } from "../../../shared/tlog/tile-tree.ts";
import { tilePath } from "../../../shared/tlog/tiles.ts";
import type { Stack } from "../platform/stack.ts";

/**
 * Holds at rest: every checkpoint that R2 ever got is that of a beginning of the chain, so all are consistent with each
 * other; the newest covers the whole chain; and the tiles give its root.
 */
export async function checkLogs(stack: Stack, blocks: readonly Block[]): Promise<void> {
  await checkLog(
    stack,
    r2Keys.logPrefix,
    blocks.map(({ hash }) => fromHex(hash)),
  );
  await checkLog(
    stack,
    r2Keys.transactionLogPrefix,
    blocks.flatMap(({ transactions }) => transactions.map(transactionBytes)),
  );
}

async function checkLog({ r2, world }: Stack, prefix: string, entries: readonly Uint8Array[]): Promise<void> {
  const leaves = entries.map(leafHash);
  const keys = r2.keys(`${prefix}checkpoints/`);
  for (const key of keys) {
    const { size, root } = parseCheckpoint(
      parseNote(Buffer.from(r2.truth(key)?.bytes ?? []).toString()).text,
    );
    if (size > leaves.length || base64(root) !== base64(merkleRoot(leaves.slice(0, size))))
      world.broken("11 one history", `${key} is not the checkpoint of a beginning of the chain`);
  }
  if (entries.length > 0 && !keys.includes(r2Keys.logCheckpoint(prefix, entries.length)))
    world.broken("11 one history", `no checkpoint below ${prefix} covers all ${entries.length} entries`);
  const tree = new TileTree(entries.length, async (tile) => {
    const bytes = r2.truth(`${prefix}${tilePath(tile)}`)?.bytes;
    if (bytes === undefined) throw new Error(`there is no ${prefix}${tilePath(tile)}`);
    return bytes;
  });
  const root = await tree.root().catch((error: unknown) => utf8(String(error)));
  if (base64(root) !== base64(merkleRoot(leaves)))
    world.broken("11 one history", `the tiles below ${prefix} do not give the root of the chain`);
}
