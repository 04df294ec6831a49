import { chainHead } from "../../shared/chain-head.ts";
import { blockNumberOfKvKey, blockNumberOfR2Key, kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { mapConnections } from "../../shared/storage/limits.ts";
import type { BlockMetadata } from "../../shared/storage/kv-tier.ts";
import type { StorageStatus } from "../../shared/storage/report.ts";
import { storageRuns, type Env } from "./env.ts";
import { listingPlan, pagesOf, type Listing } from "./listing-plan.ts";

/** List calls a tier that one page may cost; then the page is shorter, and `next` says where to go on. */
const PAGES_A_TIER = 40;

/**
 * Which tiers list which blocks: a look at presence, at a handful of list calls for 1,000 blocks. The bytes are not
 * read; what the latest verification found wrong with them counts.
 */
export async function listStored(from: number, limit: number, env: Env): Promise<StorageStatus> {
  const { latest } = await chainHead(env).head();
  const totalBlocks = latest === null ? 0 : latest.blockNumber + 1;
  const end = affordableEnd(from, Math.min(from + limit, totalBlocks), totalBlocks);
  const plan = listingPlan(from, end, totalBlocks);
  const [known, kv, r2, troubles] = await Promise.all([
    chainHead(env).publishedBlocks(end, Math.max(0, end - from)),
    listKv(plan, env.KV),
    listR2(plan, env.R2),
    storageRuns(env).troublesOf(from, end),
  ]);
  const troubled = new Map(troubles.map((report) => [report.blockNumber, report]));
  const blocks = known
    .filter(({ blockNumber }) => blockNumber >= from)
    .toReversed()
    .map(({ blockNumber, hash, ipfsHash }) => {
      const trouble = troubled.get(blockNumber);
      const inKv = kv.get(blockNumber)?.hash === hash && trouble?.kv.present !== false;
      const inR2 = r2.has(blockNumber) && trouble?.r2.present !== false;
      const onIpfs = trouble?.ipfs.present === false ? null : ipfsHash;
      const complete = inKv && inR2 && onIpfs !== null;
      return { blockNumber, kv: inKv, r2: inR2, ipfs: onIpfs, complete };
    });
  const complete = blocks.filter((block) => block.complete).length;
  return {
    totalBlocks,
    blocks,
    summary: { complete, incomplete: blocks.length - complete },
    next: end > from && end < totalBlocks ? end : null,
  };
}

function affordableEnd(from: number, end: number, total: number): number {
  let to = end;
  while (to - from > 1 && pagesOf(listingPlan(from, to, total), total) > PAGES_A_TIER)
    to = from + Math.ceil((to - from) / 2);
  return to;
}

async function listKv(
  plan: readonly Listing[],
  kv: KVNamespace,
): Promise<ReadonlyMap<number, BlockMetadata | undefined>> {
  const found = new Map<number, BlockMetadata | undefined>();
  await mapConnections(plan, async ({ digits, all }) => {
    let cursor: string | undefined;
    do {
      const page: KVNamespaceListResult<BlockMetadata> = await kv.list({
        prefix: kvKeys.blockPrefix + digits,
        limit: all ? 1_000 : 1,
        ...(cursor !== undefined && { cursor }),
      });
      for (const { name, metadata } of page.keys) {
        const number = blockNumberOfKvKey(name);
        if (number !== undefined) found.set(number, metadata);
      }
      cursor = page.list_complete || !all ? undefined : page.cursor;
    } while (cursor !== undefined);
  });
  return found;
}

async function listR2(plan: readonly Listing[], bucket: R2Bucket): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  await mapConnections(plan, async ({ digits, all }) => {
    let cursor: string | undefined;
    do {
      const page: R2Objects = await bucket.list({
        prefix: r2Keys.blockPrefix + digits,
        limit: all ? 1_000 : 1,
        ...(cursor !== undefined && { cursor }),
      });
      for (const { key } of page.objects) {
        const number = blockNumberOfR2Key(key);
        if (number !== undefined) found.add(number);
      }
      cursor = page.truncated && all ? page.cursor : undefined;
    } while (cursor !== undefined);
  });
  return found;
}

/** Numbers of all blocks that KV and R2 list, whatever the chain head knows. */
export async function listAll(env: Pick<Env, "KV" | "R2">): Promise<{
  readonly kv: ReadonlyMap<number, BlockMetadata | undefined>;
  readonly r2: ReadonlySet<number>;
}> {
  const everything = [{ digits: "", all: true }];
  const [kv, r2] = await Promise.all([listKv(everything, env.KV), listR2(everything, env.R2)]);
  return { kv, r2 };
}
