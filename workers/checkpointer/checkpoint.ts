import { base64url, equalBytes, fromHex } from "../../shared/crypto/bytes.ts";
import { chainHead } from "../../shared/objects/chain-head.ts";
import { logHead } from "../../shared/objects/log-head.ts";
import type { CheckpointBlock } from "../../shared/queue/messages.ts";
import { Permanent, RetryLater } from "../../shared/runtime/errors.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { parseCheckpoint } from "../../shared/tlog/checkpoint.ts";
import { parseNote } from "../../shared/tlog/note.ts";
import type { LogBlock } from "../chain-head/reads/log-blocks.ts";
import { logOrigin, signersOf, type Env, type LogSigners } from "./env.ts";
import { filledBundles, type FullBundle } from "./entry-bundles.ts";
import { growLog, type GrownLog } from "./grow-log.ts";
import type { CheckpointPair } from "./log-head/schema.ts";
import { publishLog } from "./publish.ts";
import { readEntries } from "../../shared/storage/read-entries.ts";

/** Limits of one checkpoint, so that a message's work does not grow with what was left behind. */
const BLOCKS_AT_ONCE = 100;
const ENTRIES_AT_ONCE = 4_000;

const HALTED_SECONDS = 300; // the chain head asks again when an operator resumes
const ENDORSED_WITHIN_SECONDS = 1;

/**
 * Makes the next checkpoint of both logs, over blocks that `vdc:latest` shows. The log head takes the signed notes before
 * anything is published, so a retry publishes the same notes. The chain head asks again as long as published blocks are left.
 * @throws RetryLater while the chain is halted, or the log's keys wait for the miner's endorsement
 */
export async function checkpoint(_: CheckpointBlock, env: Env, log: Log): Promise<void> {
  const signers = await signersOf(env);
  await requireEndorsement(env, signers);
  const { committed, shown } = await logHead(env).facts();
  const from = { size: shown?.size ?? 0, entries: shown?.entries ?? 0 };
  const { halted, blocks } = await chainHead(env).logBlocks(from.size, BLOCKS_AT_ONCE);
  if (halted) throw new RetryLater(HALTED_SECONDS, "the chain is halted: the logs stand still");
  const waiting = committed !== null && committed.size > from.size ? committed : undefined;
  const covered = waiting === undefined ? portion(blocks) : until(blocks, waiting.size);
  if (covered.length > 0) {
    const grown = await grow(env, from, covered);
    const pair = waiting ?? (await logHead(env).commit(await sign(signers, grown)));
    await publishOrHalt(env, pair, grown);
    await logHead(env).shown(pair.size);
    log.info("log.checkpoint", { blocks: pair.size, transactions: pair.entries });
  }
  await chainHead(env).checkpointed(from.size + covered.length);
}

/** The block key must have endorsed the log's keys before they sign: verifiers would not know them. */
async function requireEndorsement(env: Env, { blocks, transactions }: LogSigners): Promise<void> {
  const vkeys: [string, string, string, string] = [...blocks.vkeys, ...transactions.vkeys];
  const isEndorsed = await logHead(env).registerKeys({
    chainId: env.CHAIN_ID,
    origin: logOrigin(env),
    vkeys,
  });
  if (isEndorsed) return;
  await env.MINER_QUEUE.send({ v: 1 });
  throw new RetryLater(ENDORSED_WITHIN_SECONDS, "the log's keys wait for the miner's endorsement");
}

interface Grown {
  readonly blocks: GrownLog;
  readonly transactions: GrownLog;
  readonly bundles: readonly FullBundle[];
}

async function grow(
  env: Env,
  from: { readonly size: number; readonly entries: number },
  covered: readonly LogBlock[],
): Promise<Grown> {
  if (covered[0]?.blockNumber !== from.size || covered[0].firstEntry !== from.entries)
    throw new Error(`the chain head's blocks do not follow the published checkpoint of ${from.size} blocks`);
  const { R2 } = env;
  const entries = (await readEntries(R2, covered)).flat();
  const hashes = covered.map(({ hash }) => fromHex(hash));
  const blocks = await growLog(R2, r2Keys.logPrefix, from.size, hashes);
  const transactions = await growLog(R2, r2Keys.transactionLogPrefix, from.entries, entries);
  return { blocks, transactions, bundles: await filledBundles(env, transactions, from.entries, entries) };
}

async function sign(signers: LogSigners, { blocks, transactions }: Grown): Promise<CheckpointPair> {
  const at = Date.now();
  const seconds = Math.floor(at / 1_000);
  return {
    size: blocks.size,
    entries: transactions.size,
    blocks: await signers.blocks.sign(blocks, seconds),
    transactions: await signers.transactions.sign(transactions, seconds),
    rootSignatures: (await signers.transactions.signRoot(transactions.root)).map(({ signature, ...key }) => ({
      ...key,
      signature: base64url(signature),
    })),
    at,
  };
}

/**
 * Publishes what the log head committed. If the committed notes, or objects in R2, are of another tree than that of the chain,
 * the chain halts until an operator has looked.
 */
async function publishOrHalt({ R2, ...env }: Env, pair: CheckpointPair, grown: Grown): Promise<void> {
  try {
    refuseAnother(pair.blocks, grown.blocks);
    refuseAnother(pair.transactions, grown.transactions);
    await publishLog(R2, r2Keys.logPrefix, grown.blocks, pair.blocks);
    await publishLog(R2, r2Keys.transactionLogPrefix, grown.transactions, pair.transactions, grown.bundles);
  } catch (error) {
    if (error instanceof Permanent && error.reason === "forked")
      await chainHead(env).halt(`the log at ${pair.size} blocks: ${error.message}`);
    throw error;
  }
}

/** @throws Permanent("forked") */
function refuseAnother(note: string, { size, root }: GrownLog): void {
  const signed = parseCheckpoint(parseNote(note).text);
  if (signed.size === size && equalBytes(signed.root, root)) return;
  if (signed.size > size)
    throw new Error(`a checkpoint of ${signed.size} entries was committed meanwhile: this one begins again`);
  throw new Permanent("forked", `the checkpoint of ${signed.size} entries is not that of the chain`);
}

/** The first blocks that one checkpoint may cover: at least one. */
function portion(blocks: readonly LogBlock[]): readonly LogBlock[] {
  let entries = 0;
  const count = blocks.findIndex(({ transactionCount }) => (entries += transactionCount) > ENTRIES_AT_ONCE);
  return count === -1 ? blocks : blocks.slice(0, Math.max(1, count));
}

function until(blocks: readonly LogBlock[], size: number): readonly LogBlock[] {
  return blocks.filter(({ blockNumber }) => blockNumber < size);
}
