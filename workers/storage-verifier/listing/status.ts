import { documentIndex } from "../../../shared/objects/document-index.ts";
import type { BlockMetadata } from "../../../shared/storage/kv-tier.ts";
import type { StorageStatus } from "../../../shared/api/storage-report.ts";
import { storageRuns, type Env } from "../env.ts";
import { knownBlocks, readChain } from "../verify/known-blocks.ts";
import { listKv, listR2 } from "./list-blocks.ts";
import { listingPlan, pagesOf } from "./listing-plan.ts";
import type { StorageSummary } from "../runs/failing-blocks.ts";

/** Limit of list calls for one page in one tier. A page that would cost more is shorter, and `next` says where to continue. */
const PAGES_A_TIER = 40;

/**
 * Lists which tiers hold which blocks. It checks presence only, with a handful of list calls for 1,000 blocks, and does not read
 * the bytes. A copy that the latest verification found wrong does not count.
 */
export async function listStored(from: number, limit: number, env: Env): Promise<StorageStatus> {
  const { totalBlocks } = await readChain(env);
  const end = affordableEnd(from, Math.min(from + limit, totalBlocks), totalBlocks);
  const plan = listingPlan(from, end, totalBlocks);
  const kv = new Map<number, BlockMetadata | undefined>();
  const r2 = new Set<number>();
  const [known, failing, { lastRun, ...found }, documents] = await Promise.all([
    knownBlocks(env, from, end),
    storageRuns(env).failingBlocksIn(from, end),
    storageRuns(env).summary(),
    documentIndex(env).totals(),
    listKv(plan, env.KV, (number, metadata) => kv.set(number, metadata)),
    listR2(plan, env.R2, (number) => r2.add(number)),
  ]);
  const wrongIn = new Map(failing.map(({ blockNumber, wrong }) => [blockNumber, wrong]));
  const blocks = known.map(({ blockNumber, hash, cid }) => {
    const wrong = wrongIn.get(blockNumber) ?? [];
    const inKv = kv.get(blockNumber)?.hash === hash && !wrong.includes("kv");
    const inR2 = r2.has(blockNumber) && !wrong.includes("r2");
    const onIpfs = wrong.includes("ipfs") ? null : cid;
    const complete = inKv && inR2 && onIpfs !== null;
    return { blockNumber, kv: inKv, r2: inR2, ipfs: onIpfs, complete };
  });
  const complete = blocks.filter((block) => block.complete).length;
  return {
    totalBlocks,
    blocks,
    summary: { complete, incomplete: blocks.length - complete },
    documents: documents === "reindexing" ? null : documents,
    verification: {
      failing: found.failing,
      partial: found.partial,
      withoutPrivateParts: found.withoutPrivateParts,
      verifiedSince: found.verifiedSince,
      lastRun: lastRun && runOf(lastRun),
    },
    next: end > from && end < totalBlocks ? end : null,
  };
}

function runOf({ id, state, startedAt, finishedAt }: NonNullable<StorageSummary["lastRun"]>) {
  return { id, state, startedAt, finishedAt };
}

function affordableEnd(from: number, end: number, total: number): number {
  let to = end;
  while (to - from > 1 && pagesOf(listingPlan(from, to, total), total) > PAGES_A_TIER)
    to = from + Math.ceil((to - from) / 2);
  return to;
}
