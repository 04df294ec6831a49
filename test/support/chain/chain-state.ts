import { expect } from "vitest";
import type { ChainHeadEnv } from "../../../shared/objects/chain-head.ts";
import { workerName } from "../../../shared/pipeline.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import { kvPages, r2Pages } from "../../../shared/storage/pages.ts";
import type { ChainHead } from "../../../workers/chain-head/index.ts";
import { until } from "../stack/patience.ts";
import { status } from "../payments/payments.ts";
import type { Pipeline } from "../stack/pipeline.ts";

const CHAIN_HEAD = ["ChainHead", { name: "vdc-main" }] as const; // CHAIN_ID of the wrangler.toml files

/** A block's row in the chain head's own storage. */
export type BlockRow = { state: string; hash: string | null; sha256: string | null };

export async function blockRow({ harness }: Pipeline, blockNumber: number): Promise<BlockRow | undefined> {
  const sql = await harness.getWorker(workerName("chain-head")).getDurableObjectStorage(...CHAIN_HEAD);
  const [row] = await sql.exec<BlockRow>(
    "SELECT state, hash, sha256 FROM block WHERE number = ?",
    blockNumber,
  );
  return row;
}

/** Returns the chain head as a miner calls it. The stub keeps the object from being evicted until the next restart. */
export async function asMiner({ harness }: Pipeline): Promise<DurableObjectStub<ChainHead>> {
  const env = (await harness.getWorker(workerName("pending-writer")).getEnv()) as ChainHeadEnv;
  return env.CHAIN_HEAD.getByName(CHAIN_HEAD[1].name);
}

/** Evicts the chain head, so that it keeps only its storage. An object that is not running has nothing to lose. */
export async function evictChainHead({ harness }: Pipeline): Promise<void> {
  try {
    await harness.getWorker(workerName("chain-head")).evictDurableObject(...CHAIN_HEAD);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("not currently running"))) throw error;
  }
}

export interface Latest {
  readonly blockNumber: number;
  readonly hash: string;
}

/** Returns the value of `vdc:latest`. */
export function latest({ kv }: Pipeline): Promise<Latest | null> {
  return kv.get<Latest>(kvKeys.latest, "json");
}

export async function keysOf({ r2 }: Pipeline, prefix = ""): Promise<string[]> {
  return (await objectsOf(r2, prefix)).map(({ key }) => key);
}

/**
 * Returns everything that is stored, in a comparable form. Two equal results mean that nothing has changed. Waits for
 * the writes that follow a finished block: the count of pending transactions, the claim of the index, and the checkpoint.
 */
export async function everythingStored(pipeline: Pipeline): Promise<Record<string, string>> {
  const { kv, r2 } = pipeline;
  await until(async () => {
    const { counts, inFlight } = await status(pipeline);
    expect(await kv.get(kvKeys.pendingCount)).toBe(String(counts.pending));
    if (inFlight.length > 0 || counts.blocks === 0) return;
    const claim = await kv.get<{ blockNumber: number }>(kvKeys.indexed, "json");
    expect(claim?.blockNumber).toBe(counts.blocks - 1);
    expect(await r2.head(r2Keys.logCheckpoint(r2Keys.logPrefix, counts.blocks))).not.toBeNull();
  });
  const state: Record<string, string> = {};
  for (const { key, etag } of await objectsOf(r2, "")) state[`r2 ${key}`] = etag;
  for (const key of await kvKeysOf(kv)) state[`kv ${key}`] = (await kv.get(key)) ?? "";
  return state;
}

export async function objectsOf(r2: R2Bucket, prefix: string): Promise<R2Object[]> {
  const pages = r2Pages(r2, { prefix, include: ["customMetadata", "httpMetadata"] });
  return (await Array.fromAsync(pages)).flat();
}

export async function kvKeysOf(kv: KVNamespace, prefix = ""): Promise<string[]> {
  const pages = await Array.fromAsync(kvPages(kv, { prefix }));
  return pages.flatMap((keys) => keys.map(({ name }) => name));
}

/**
 * Returns the keys of the bytes that are staged for a block. More than one key means that miners signed different
 * bytes.
 */
export function stagedKeys(pipeline: Pipeline, blockNumber: number): Promise<string[]> {
  return keysOf(pipeline, r2Keys.sealedPrefix(blockNumber));
}

interface PinnedFile {
  readonly cid: string;
  readonly name: string;
}

/** Lists the pinned files, the oldest first. */
export async function pinnedFiles({ pinning, secrets }: Pipeline): Promise<PinnedFile[]> {
  const response = await fetch(`${pinning.endpointUrl}/files/public?limit=1000&order=ASC`, {
    headers: { authorization: `Bearer ${secrets.PINATA_JWT}` },
  });
  const body = await response.json<{ data: { files: PinnedFile[] } }>();
  return body.data.files;
}

/** Returns the log lines of one event, from every Worker. */
export function logged({ harness }: Pipeline, event: string): Record<string, unknown>[] {
  return harness.getLogs().flatMap(({ message }) => {
    if (!message.startsWith("{")) return [];
    const line = JSON.parse(message) as Record<string, unknown>;
    return line.event === event ? [line] : [];
  });
}
