import { putEntry, transactionEntries, writeAssetRecords } from "../../shared/operations/block-index.ts";
import { blockBytes, type Block } from "../../shared/chain/block.ts";
import { ledgerKeysOf } from "../../shared/chain/ledger.ts";
import { reached } from "../../shared/chain/states.ts";
import { chainHead, refuseStale, refuseWhileHalted } from "../../shared/objects/chain-head.ts";
import { sha256HexOfFile } from "../../shared/crypto/hash.ts";
import { RetryLater } from "../../shared/runtime/errors.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { IndexBlock } from "../../shared/queue/messages.ts";
import { kvKeys } from "../../shared/storage/layout.ts";
import { mapConnections } from "../../shared/storage/limits.ts";
import { blockOfRecord } from "../../shared/storage/kv-tier.ts";
import type { Env } from "./env.ts";

/**
 * Number of transactions for each message. Each transaction costs at most three writes (itself, its asset, its document), and an
 * invocation has 1,000 KV operations for everything (Cloudflare, KV limits).
 */
const TRANSACTIONS_A_MESSAGE = 300;

/**
 * Points transactions and assets to their block, one portion for each message, and hands the block to `pending-cleaner` after the
 * last.
 */
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
    refuseStale(await chainHead(env).indexed({ life: facts.life, blockNumber }), blockNumber);
    log.info("block.indexed", { blockNumber, transactions: block.transactions.length });
  }
  await env.PENDING_CLEANER_QUEUE.send({ v: 1, blockNumber });
}

async function publishedBlock(env: Env, blockNumber: number, sha256: string | null): Promise<Block> {
  const record = await env.KV.get(kvKeys.block(blockNumber), "json");
  // KV may take a minute to show a write elsewhere, and it caches "not found" for as long.
  if (record === null) throw new RetryLater(15, `KV does not show block ${blockNumber} yet`);
  const block = blockOfRecord(record);
  if (block === undefined || (await sha256HexOfFile(blockBytes(block))) !== sha256)
    throw new RetryLater(
      60,
      `KV holds other bytes as block ${blockNumber} than those sealed: verify its storage`,
    );
  return block;
}

async function indexRun(block: Block, from: number, end: number, env: Env): Promise<void> {
  await mapConnections(transactionEntries(block, from, end), (entry) => putEntry(env.KV, entry));
  await writeAssetRecords(ledgerKeysOf(block.transactions.slice(from, end)).assetIds, env);
}
