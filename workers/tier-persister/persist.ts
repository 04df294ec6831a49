import { InvalidBlock } from "../../shared/chain/block.ts";
import { reached } from "../../shared/chain/states.ts";
import { chainHead, refuseStale, refuseWhileHalted } from "../../shared/objects/chain-head.ts";
import { sha256HexOfFile } from "../../shared/crypto/hash.ts";
import { Permanent } from "../../shared/runtime/errors.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { PersistBlock } from "../../shared/queue/messages.ts";
import type { Observe } from "../../shared/objects/monitor.ts";
import { observedTiers } from "../../shared/storage/observed-tier.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { readObject } from "../../shared/storage/r2-tier.ts";
import type { BlockCopy } from "../../shared/storage/tier.ts";
import { tiersOf } from "../../shared/storage/tiers.ts";
import type { BlockFacts } from "../chain-head/reads/block-facts.ts";
import type { Env } from "./env.ts";
import { verifySealed } from "./verify-sealed.ts";

/** Puts the sealed bytes of a block, and no others, into R2, IPFS and KV; then reports to the chain head. */
export async function persist(
  { blockNumber }: PersistBlock,
  env: Env,
  log: Log,
  observe: Observe,
): Promise<void> {
  const facts = await chainHead(env).block(blockNumber);
  if (facts === null || facts.sha256 === null) throw new Error(`block ${blockNumber} is not sealed yet`);
  if (reached(facts.state, "indexed")) return;
  refuseWhileHalted(facts);
  if (facts.state === "sealed") {
    const started = Date.now();
    const copy = await verifiedOrHalt(facts, await sealedBytes(env, blockNumber, facts.sha256), env);
    await storeOrHalt(copy, facts.life, env, observe);
    const { life, sha256 } = facts;
    const report = { life, blockNumber, hash: copy.block.hash, sha256, ipfsHash: copy.cid };
    refuseStale(await chainHead(env).persisted(report), blockNumber);
    log.info("block.persisted", {
      blockNumber,
      hash: copy.block.hash,
      ipfsHash: copy.cid,
      milliseconds: Date.now() - started,
    });
  }
  await env.INDEXER_QUEUE.send({ v: 1, blockNumber, from: 0 });
}

/** Reads the bytes that the chain head sealed: the staged ones, or those in the archive. */
async function sealedBytes(env: Env, blockNumber: number, sha256: string): Promise<Uint8Array<ArrayBuffer>> {
  for (const key of [r2Keys.sealed(blockNumber, sha256), r2Keys.block(blockNumber)]) {
    const bytes = await readObject(env.R2, key);
    if (bytes !== undefined && (await sha256HexOfFile(bytes)) === sha256) return bytes;
  }
  throw new Error(`the sealed bytes of block ${blockNumber} (SHA-256 ${sha256}) are not in R2`);
}

/**
 * Verifies the sealed bytes. If the chain's own keys did not sign them, an intruder made them: the chain halts, so that neither
 * this block nor a later one gets out.
 */
async function verifiedOrHalt(
  facts: BlockFacts,
  bytes: Uint8Array<ArrayBuffer>,
  env: Env,
): Promise<BlockCopy> {
  const { blockNumber, hash, cid } = facts;
  try {
    if (hash === null || cid === null)
      throw new Error(`block ${blockNumber} is sealed without a hash or CID`);
    const block = await verifySealed(bytes, { ...facts, hash, cid }, await chainHead(env).head());
    return { block, bytes, cid };
  } catch (error) {
    if (error instanceof InvalidBlock)
      await chainHead(env).halt(
        `block ${blockNumber}: what was sealed does not verify (${error.fault}): ${error.message.slice(0, 200)}`,
        facts.life,
      );
    throw error;
  }
}

/**
 * Stores the block in R2, IPFS and KV. KV, the read path, comes last, so that no block is readable before it is archived and
 * pinned. A repeat stores what is missing. A fork, that is two different byte strings for one number, halts the chain until an
 * operator has looked.
 */
async function storeOrHalt(copy: BlockCopy, life: string, env: Env, observe: Observe): Promise<void> {
  const { r2, ipfs, kv } = observedTiers(tiersOf(env), (ended) => observe({ kind: "tier", ...ended }));
  try {
    for (const tier of [r2, ipfs, kv]) await tier.store(copy);
  } catch (error) {
    if (error instanceof Permanent && error.reason === "forked")
      await chainHead(env).halt(`block ${copy.block.blockNumber}: ${error.message}`, life);
    throw error;
  }
}
