import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { startPinningService } from "../../cli/local/pinning/server.ts";
import { kvPages, r2Pages } from "../../shared/storage/pages.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";

/** The contents of a data directory that no stack uses. */
export interface Stored {
  /** The value of `vdc:latest`. */
  readonly latest: { readonly blockNumber: number; readonly hash: string } | null;
  readonly pendingCount: string | null;
  /** The bytes of each block in each place, by number; undefined if a place lacks the block. */
  readonly blocks: readonly StoredBlock[];
  /** KV's index of transactions, by id. */
  readonly index: ReadonlyMap<string, { readonly blockNumber: number; readonly index: number }>;
  /** Keys of R2 that exist only while work is under way or a transaction is set aside: pending, set aside, staged. */
  readonly leftovers: readonly string[];
  readonly deadLetters: readonly string[];
}

export interface StoredBlock {
  readonly r2: Uint8Array | undefined;
  /** The whole record in KV. */
  readonly kv: Record<string, unknown> | undefined;
  /** The bytes under the CID that KV's record names. */
  readonly ipfs: Uint8Array | undefined;
}

const AT_ONCE = 50;
const AS_IN_WRANGLER_TOML = { kvNamespaces: { KV: "0".repeat(32) }, r2Buckets: { R2: "vdc" } };

/** Opens the data directory without running any Worker. */
export async function readStored(dataDirectory: string): Promise<Stored> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: join(dataDirectory, "platform"),
      log: new Log(LogLevel.ERROR),
      telemetry: { enabled: false },
      modules: true,
      script: "export default { fetch: () => new Response() }",
      ...AS_IN_WRANGLER_TOML,
    }),
  );
  const pinning = await startPinningService({ dir: join(dataDirectory, "ipfs"), jwt: "read-only" });
  try {
    const kv = (await miniflare.getKVNamespace("KV")) as unknown as KVNamespace;
    const r2 = (await miniflare.getR2Bucket("R2")) as unknown as R2Bucket;
    const numbers = await blockNumbers(kv, r2);
    const blocks = await inOrder(numbers, (n) => readBlock(kv, r2, pinning.gatewayUrl, n));
    const keys = (await Array.fromAsync(kvPages(kv, { prefix: kvKeys.transaction("") })))
      .flat()
      .map(({ name }) => name);
    const records = await inOrder(keys, (key) => kv.get<{ blockNumber: number; index: number }>(key, "json"));
    return {
      latest: await kv.get(kvKeys.latest, "json"),
      pendingCount: await kv.get(kvKeys.pendingCount),
      blocks,
      index: new Map(
        keys.flatMap((key, i) =>
          records[i] ? [[key.slice(kvKeys.transaction("").length), records[i]]] : [],
        ),
      ),
      leftovers: (
        await inOrder([r2Keys.pendingPrefix, r2Keys.setAsidePrefix, r2Keys.allSealedPrefix], (prefix) =>
          keysOf(r2, prefix),
        )
      ).flat(),
      deadLetters: await keysOf(r2, r2Keys.deadLetterPrefix),
    };
  } finally {
    await pinning.close();
    await miniflare.dispose();
  }
}

/** Returns the numbers from 0 to the highest that any place names. */
async function blockNumbers(kv: KVNamespace, r2: R2Bucket): Promise<readonly number[]> {
  const names = [
    ...(await keysOf(r2, r2Keys.blockPrefix)),
    ...(await Array.fromAsync(kvPages(kv, { prefix: kvKeys.blockPrefix }))).flat().map(({ name }) => name),
  ];
  const highest = Math.max(-1, ...names.map((name) => Number(/\d+/.exec(name)?.[0] ?? -1)));
  return Array.from({ length: highest + 1 }, (_, n) => n);
}

async function readBlock(kv: KVNamespace, r2: R2Bucket, gateway: string, n: number): Promise<StoredBlock> {
  const object = await r2.get(r2Keys.block(n));
  const record = await kv.get<Record<string, unknown>>(kvKeys.block(n), "json");
  const pinned = await fetch(`${gateway}/ipfs/${String(record?.ipfsHash)}`);
  const ipfs = new Uint8Array(await pinned.arrayBuffer());
  return {
    r2: object === null ? undefined : new Uint8Array(await object.arrayBuffer()),
    kv: record ?? undefined,
    ipfs: pinned.ok ? ipfs : undefined,
  };
}

async function keysOf(r2: R2Bucket, prefix: string): Promise<string[]> {
  return (await Array.fromAsync(r2Pages(r2, { prefix }))).flat().map(({ key }) => key);
}

/** Works on several items at a time. Returns the results in the order of the items. */
async function inOrder<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let i = 0; i < items.length; i += AT_ONCE)
    results.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(work))));
  return results;
}
