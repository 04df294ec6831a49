import { checkContents, readBlock } from "../../../shared/chain/block.ts";
import { reached } from "../../../shared/chain/states.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { errorText } from "../../../shared/runtime/log.ts";
import { baseUrl, ipfsGateway } from "../../../shared/storage/ipfs-tier.ts";
import { blockOfRecord, blockRecord, type BlockRecord } from "../../../shared/storage/kv-tier.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import type { BlockFacts } from "../../chain-head/reads/block-facts.ts";
import { hasVersion } from "../http/etag.ts";
import { operation, type Call } from "../http/operation.ts";
import { published } from "./published.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";
import * as api from "../../../shared/api/blocks.ts";

const FOR_EVER = "public, max-age=31536000, immutable";
const BRIEFLY = "public, max-age=1";
const IPFS_TIMEOUT_MS = 15_000;

export const latest = operation(api.latest, async (call) => {
  const { env } = call;
  const headers = { "cache-control": BRIEFLY };
  const shown = await env.KV.get<api.Latest>(kvKeys.latest, "json");
  if (shown !== null) return json(shown satisfies api.Latest, { headers });
  await countReadBeyondKv(call);
  const { latest: known } = await chainHead(env).head();
  if (known === null) throw new Problem("not-found", "No block has been published yet.");
  const { blockNumber, hash, ipfsHash, timestamp } = published(known);
  return json({ blockNumber, hash, ipfsHash, timestamp } satisfies api.Latest, { headers });
});

export const block = operation(api.block, async (call) => {
  const { blockNumber } = call.params;
  const { record, tier } = await readPublished(call, blockNumber);
  const etag = `"${record.hash}"`;
  const headers = { etag, "cache-control": FOR_EVER, "x-vdc-tier": tier };
  if (hasVersion(call.request, etag)) return new Response(null, { status: 304, headers });
  return json(record satisfies BlockRecord, { headers });
});

export const blocks = operation(api.blocks, async (call) => {
  const { env, query } = call;
  const { before, limit } = query;
  await countReadBeyondKv(call);
  const page = (await chainHead(env).publishedBlocks(before, limit)).map(published);
  const last = page.at(-1)?.blockNumber ?? 0;
  return json(
    {
      blocks: page.map(
        ({
          blockNumber,
          hash,
          previousHash,
          previousCid,
          historyRoot,
          timestamp,
          transactionCount,
          ipfsHash,
        }) => ({
          blockNumber,
          hash,
          previousHash,
          previousCid,
          historyRoot,
          timestamp,
          transactionCount,
          ipfsHash,
        }),
      ),
      next: last > 0 ? last : null,
    } satisfies api.BlockPage,
    { headers: { "cache-control": BRIEFLY } },
  );
});

interface ServedBlock {
  readonly record: BlockRecord;
  readonly tier: "kv" | "r2" | "ipfs";
}

/**
 * Reads a published block.
 * @throws Problem "not-found" or "unavailable"
 */
export async function readBlockRecord(call: Call, blockNumber: number): Promise<BlockRecord> {
  return (await readPublished(call, blockNumber)).record;
}

async function readPublished(call: Call, blockNumber: number): Promise<ServedBlock> {
  return (
    (await fromKv(call, blockNumber)) ?? (await fromArchives(call, await publishedFacts(call, blockNumber)))
  );
}

/**
 * Reads a block from KV. A copy that can't be read, or does not match its hash, counts as missing: the archives have the block.
 */
async function fromKv({ env, log }: Call, blockNumber: number): Promise<ServedBlock | undefined> {
  try {
    const record = await env.KV.get<BlockRecord>(kvKeys.block(blockNumber), "json");
    if (record === null) return undefined;
    const block = blockOfRecord(record);
    if (block?.blockNumber !== blockNumber) throw new Error("the record is not that of this block");
    checkContents(block);
    return { record, tier: "kv" };
  } catch (error) {
    log.error("block.copy_unusable", { blockNumber, tier: "kv", error: errorText(error) });
    return undefined;
  }
}

/**
 * Reads what the chain head knows of a published block. A block that is not in all tiers yet is not shown, although the archive
 * may hold it.
 */
async function publishedFacts(call: Call, blockNumber: number): Promise<BlockFacts> {
  await countReadBeyondKv(call);
  const { env } = call;
  const facts = await chainHead(env).block(blockNumber);
  if (facts !== null && reached(facts.state, "persisted")) return facts;
  const { latest: known } = await chainHead(env).head();
  throw new Problem(
    "not-found",
    facts === null
      ? `There is no block ${blockNumber}. The latest is ${known?.blockNumber ?? "none"}.`
      : `Block ${blockNumber} is being made (${facts.state}). Ask again shortly.`,
    { members: { latest: known?.blockNumber ?? null, state: facts?.state ?? null } },
  );
}

/** Reads a block from R2, then from IPFS. A copy must be the very bytes that the chain head sealed, not only claim their hash. */
async function fromArchives({ env, log }: Call, facts: BlockFacts): Promise<ServedBlock> {
  const { blockNumber, ipfsHash, sha256 } = facts;
  if (ipfsHash === null) throw new Error(`block ${blockNumber} is ${facts.state} and has no CID`);
  const gatewayUrl = baseUrl(env.IPFS_GATEWAY_URL);
  const gateway = ipfsGateway(gatewayUrl, IPFS_TIMEOUT_MS);
  const sources = [
    { tier: "r2", read: () => readObject(env.R2, r2Keys.block(blockNumber)) },
    { tier: "ipfs", read: () => gateway.fetch(ipfsHash) },
  ] as const;
  for (const { tier, read } of sources) {
    try {
      const bytes = await read();
      if (bytes && (await sha256HexOfFile(bytes)) === sha256) {
        const copy = { block: readBlock(bytes), bytes, cid: ipfsHash };
        const now = () => facts.times.persisted ?? 0;
        return { record: blockRecord(copy, { gatewayUrl, now }), tier };
      }
      log.error("block.copy_unusable", { blockNumber, tier, present: bytes !== undefined });
    } catch (error) {
      log.error("block.copy_unreadable", { blockNumber, tier, error: errorText(error) });
    }
  }
  throw new Problem(
    "unavailable",
    `No copy of block ${blockNumber} can be read at the moment. Try again shortly.`,
  );
}
