import { chainHead } from "../../shared/chain-head.ts";
import { sha256HexOfFile } from "../../shared/crypto/hash.ts";
import type { Log } from "../../shared/log.ts";
import { blockNumberOfSealedKey, r2Keys } from "../../shared/storage/layout.ts";
import { chunks, R2_DELETE_KEYS } from "../../shared/storage/limits.ts";
import { r2Pages } from "../../shared/storage/pages.ts";
import { readObject } from "../../shared/storage/r2-tier.ts";
import type { Env } from "./env.ts";

/** A write that was begun before the block was complete has landed by then. Milliseconds. */
const SETTLED_AFTER = 3_600_000;

/**
 * Deletes staged bytes that came too late: those of an attempt that lost, or a write that landed after its block was
 * cleaned. The bytes of the block itself stay until the archive holds them: they may have been brought for a restore.
 */
export async function sweepStaged(env: Env, log: Log, now = Date.now()): Promise<void> {
  const leftOver: string[] = [];
  for await (const objects of r2Pages(env.R2, { prefix: r2Keys.allSealedPrefix }))
    for (const { key, uploaded } of objects)
      if (now - uploaded.getTime() > SETTLED_AFTER && (await isLeftOver(key, env))) leftOver.push(key);
  for (const keys of chunks(leftOver, R2_DELETE_KEYS)) await env.R2.delete(keys);
  if (leftOver.length > 0) log.warn("staged.swept", { deleted: leftOver.length });
}

async function isLeftOver(key: string, env: Env): Promise<boolean> {
  const blockNumber = blockNumberOfSealedKey(key);
  const block = blockNumber === undefined ? null : await chainHead(env).block(blockNumber);
  // A block of a chain that is being restored counts as complete until the restore ends, and may have to be cleaned again.
  if (block?.state !== "complete" || block.halted || block.sha256 === null) return false;
  if (key !== r2Keys.sealed(block.blockNumber, block.sha256)) return true;
  const archived = await readObject(env.R2, r2Keys.block(block.blockNumber));
  return archived !== undefined && (await sha256HexOfFile(archived)) === block.sha256;
}
