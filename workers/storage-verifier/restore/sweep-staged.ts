import { chainHead } from "../../../shared/objects/chain-head.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { blockNumberOfSealedKey, r2Keys } from "../../../shared/storage/layout.ts";
import { hexByChance, r2Portion } from "../../../shared/storage/pages.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import type { Env } from "../env.ts";

/** Time after which a write that began before its block was complete has landed. */
const SETTLED_AFTER_MS = 3_600_000;

/** Limit for one run: each object takes a call of the chain head, and may take two reads of R2. */
const LOOK_AT_ONCE = 200;

/**
 * Deletes staged bytes that came too late: those of an attempt that lost, or of a write that landed after its block was cleaned.
 * The bytes of the block itself stay until the archive holds them, because an operator may have supplied them for a restore. A
 * run looks at a portion.
 * @param place digits of a block number at which the portion begins
 * @throws AggregateError of the objects that could not be checked, after the others are swept
 */
export async function sweepStaged(
  env: Env,
  log: Log,
  now = Date.now(),
  place = digitsByChance(),
): Promise<void> {
  const leftOver: string[] = [];
  const portion = { prefix: r2Keys.allSealedPrefix, place, most: LOOK_AT_ONCE };
  const failures: unknown[] = [];
  for (const { key, uploaded } of await r2Portion(env.R2, portion)) {
    if (now - uploaded.getTime() <= SETTLED_AFTER_MS) continue;
    const [outcome] = await Promise.allSettled([isLeftOver(key, env)]);
    if (outcome.status === "rejected") failures.push(outcome.reason);
    else if (outcome.value) leftOver.push(key);
  }
  if (leftOver.length > 0) {
    await env.R2.delete(leftOver);
    log.warn("staged.swept", { deleted: leftOver.length });
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} staged blocks could not be looked at`);
}

/**
 * Returns eight random digits; each beginning is as likely as any other. Keys are in the order of text, so each key gets its
 * turn.
 */
function digitsByChance(): string {
  return String(10_000_000 + (Number.parseInt(hexByChance(), 16) % 90_000_000));
}

async function isLeftOver(key: string, env: Env): Promise<boolean> {
  const blockNumber = blockNumberOfSealedKey(key);
  const block = blockNumber === undefined ? null : await chainHead(env).block(blockNumber);
  // While a chain is being restored, its blocks count as complete until the restore ends, and may have to be cleaned again.
  if (block?.state !== "complete" || block.halted || block.sha256 === null) return false;
  if (key !== r2Keys.sealed(block.blockNumber, block.sha256)) return true;
  const archived = await readObject(env.R2, r2Keys.block(block.blockNumber));
  return archived !== undefined && (await sha256HexOfFile(archived)) === block.sha256;
}
