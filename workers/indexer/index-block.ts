import type { Block } from "../../shared/chain/block.ts";
import { readBlock } from "../../shared/chain/block.ts";
import { reached } from "../../shared/chain/states.ts";
import type { Transaction } from "../../shared/chain/transaction.ts";
import { chainHead, refuseWhileHalted } from "../../shared/chain-head.ts";
import { hex } from "../../shared/crypto/bytes.ts";
import { sha256OfFile } from "../../shared/crypto/hash.ts";
import { RetryLater } from "../../shared/errors.ts";
import type { Log } from "../../shared/log.ts";
import type { IndexBlock } from "../../shared/messages.ts";
import { kvKeys } from "../../shared/storage/layout.ts";
import { mapConnections } from "../../shared/storage/limits.ts";
import { kvTier } from "../../shared/storage/kv-tier.ts";
import { indexAssets } from "./index-assets.ts";
import type { Env } from "./env.ts";

/**
 * Transactions a message: each costs at most two writes, and an invocation has 1,000 KV operations for everything
 * (Cloudflare, KV limits).
 */
const TRANSACTIONS_A_MESSAGE = 400;

/** What KV holds under `vdc:tx:{txId}`. The same block gives the same value, so writing it again is harmless. */
export interface TransactionRecord {
  readonly blockNumber: number;
  readonly index: number;
  readonly blockHash: string;
  readonly type: Transaction["type"];
  readonly timestamp: number;
}

/** Points transactions and assets to their block, in runs, and hands the block on after the last. */
export async function indexBlock({ blockNumber, from }: IndexBlock, env: Env, log: Log): Promise<void> {
  const facts = await chainHead(env).block(blockNumber);
  if (facts === null || !reached(facts.state, "persisted"))
    throw new Error(`block ${blockNumber} is not persisted yet`);
  if (facts.state === "complete") return;
  refuseWhileHalted(facts);
  if (facts.state === "persisted") {
    const block = await publishedBlock(env, blockNumber, facts.sha256);
    const end = Math.min(from + TRANSACTIONS_A_MESSAGE, block.transactions.length);
    await indexRun(block, from, end, env);
    if (end < block.transactions.length) {
      await env.INDEXER_QUEUE.send({ v: 1, blockNumber, from: end });
      return;
    }
    await chainHead(env).indexed(blockNumber);
    log.info("block.indexed", { blockNumber, transactions: block.transactions.length });
  }
  await env.PENDING_CLEANER_QUEUE.send({ v: 1, blockNumber });
}

async function publishedBlock(env: Env, blockNumber: number, sha256: string | null): Promise<Block> {
  const tier = kvTier(env.KV, { gatewayUrl: "", now: Date.now });
  const bytes = await tier.read({ blockNumber, cid: "" });
  // KV shows a write elsewhere only after up to a minute, and remembers "not found" as long.
  if (bytes === undefined) throw new RetryLater(15, `KV does not show block ${blockNumber} yet`);
  if (hex(await sha256OfFile(bytes)) !== sha256)
    throw new RetryLater(
      60,
      `KV holds other bytes as block ${blockNumber} than those sealed: verify its storage`,
    );
  return readBlock(bytes);
}

async function indexRun(block: Block, from: number, end: number, env: Env): Promise<void> {
  const run = block.transactions.slice(from, end);
  await mapConnections([...run.entries()], ([offset, transaction]) => {
    const record: TransactionRecord = {
      blockNumber: block.blockNumber,
      index: from + offset,
      blockHash: block.hash,
      type: transaction.type,
      timestamp: transaction.timestamp,
    };
    return env.KV.put(kvKeys.transaction(transaction.id), JSON.stringify(record));
  });
  await indexAssets(run, env);
}
