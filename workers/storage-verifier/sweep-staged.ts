import { chainHead } from "../../shared/chain-head.ts";
import { sha256HexOfFile } from "../../shared/crypto/hash.ts";
import type { Log } from "../../shared/log.ts";
import { blockNumberOfSealedKey, r2Keys } from "../../shared/storage/layout.ts";
import { hexByChance, r2Portion } from "../../shared/storage/pages.ts";
import { readObject } from "../../shared/storage/r2-tier.ts";
import type { Env } from "./env.ts";

/** A write that was begun before the block was complete has landed by then. Milliseconds. */
const SETTLED_AFTER = 3_600_000;

/** Each one takes a call of the chain head, and may take two reads of R2. */
const LOOK_AT_ONCE = 200;

/**
 * Deletes staged bytes that came too late: those of an attempt that lost, or a write that landed after its block was
 * cleaned. The bytes of the block itself stay until the archive holds them: they may have been brought for a restore. A run looks at some.
 * @param place digits of a block's number
 */
export async function sweepStaged(
  env: Env,
  log: Log,
  now = Date.now(),
  place = digitsByChance(),
): Promise<void> {
  const leftOver: string[] = [];
  const portion = { prefix: r2Keys.allSealedPrefix, place, most: LOOK_AT_ONCE };
  for (const { key, uploaded } of await r2Portion(env.R2, portion))
    if (now - uploaded.getTime() > SETTLED_AFTER && (await isLeftOver(key, env))) leftOver.push(key);
  if (leftOver.length === 0) return;
  await env.R2.delete(leftOver);
  log.warn("staged.swept", { deleted: leftOver.length });
}

/** Keys are in the order of text, so digits by chance come before each key at times. */
function digitsByChance(): string {
  return String(Number.parseInt(hexByChance(), 16));
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
