import { reached } from "../../shared/chain/states.ts";
import { chainHead, refuseStale, refuseWhileHalted } from "../../shared/objects/chain-head.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { CleanBlock } from "../../shared/queue/messages.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { chunks, R2_DELETE_KEYS } from "../../shared/storage/limits.ts";
import { archivePrivateParts } from "./archive-private.ts";
import type { Env } from "./env.ts";

/**
 * Deletes the pending objects of a block: only after the block is in every tier and indexed, only its own objects, and only once
 * their private parts are archived.
 */
export async function clean({ blockNumber }: CleanBlock, env: Env, log: Log): Promise<void> {
  const facts = await chainHead(env).blockWithTransactions(blockNumber);
  if (facts === null || !reached(facts.state, "indexed"))
    throw new Error(`block ${blockNumber} is not indexed yet`);
  if (facts.state === "complete") return;
  refuseWhileHalted(facts);
  const { life, transactions: txIds, moved } = facts;
  await archivePrivateParts(blockNumber, txIds, moved, env, log);
  for (const ids of chunks(txIds, R2_DELETE_KEYS))
    await env.R2.delete(ids.map((txId) => r2Keys.pending(txId)));
  await deleteStaged(blockNumber, env);
  refuseStale(await chainHead(env).cleaned({ life, blockNumber }), blockNumber);
  log.info("block.complete", { blockNumber, cleared: txIds.length });
}

/** Deletes the staged bytes, also those of attempts that lost the race. The archive has the block by now. */
async function deleteStaged(blockNumber: number, env: Env): Promise<void> {
  for (;;) {
    const { objects, truncated } = await env.R2.list({ prefix: r2Keys.sealedPrefix(blockNumber) });
    if (objects.length > 0) await env.R2.delete(objects.map(({ key }) => key));
    if (!truncated) return;
  }
}
