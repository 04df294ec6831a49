import * as v from "valibot";
import { Block, blockBytes } from "../chain/block.ts";
import { utf8 } from "../crypto/bytes.ts";
import { isReadWhole } from "../schema/lossless.ts";
import { kvKeys, r2Keys } from "./layout.ts";
import { KV_VALUE_BYTES } from "./limits.ts";
import { publicKeyIn } from "./policies.ts";
import type { BlockCopy, BlockLocator, Holding, Tier } from "./tier.ts";

/** The value of `vdc:block:{n}` in KV: the block, and where its other copies are. */
export const BlockRecord = v.strictObject({
  ...Block.entries,
  ipfsHash: v.string(),
  ipfsGatewayUrl: v.string(),
  storage: v.strictObject({ r2Key: v.string(), storedAt: v.number() }),
});
export type BlockRecord = v.InferOutput<typeof BlockRecord>;

/** The metadata of the block's key, so that a list call shows which blocks KV has. */
export const BlockMetadata = v.object({ hash: v.string(), ipfsHash: v.string() });
export type BlockMetadata = v.InferOutput<typeof BlockMetadata>;

export interface KvTierSettings {
  /** Base URL of the IPFS gateway that links point to, without a slash at its end. */
  readonly gatewayUrl: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * The read path. It is written last of the three tiers and never read for a decision, because KV is eventually
 * consistent.
 */
export function kvTier(kv: KVNamespace, settings: KvTierSettings): Tier {
  async function store(copy: BlockCopy): Promise<void> {
    const { block, cid } = copy;
    const value = JSON.stringify(blockRecord(copy, settings));
    if (value.length > KV_VALUE_BYTES) throw new Error(`block ${block.blockNumber} is too large for KV`);
    const metadata: BlockMetadata = { hash: block.hash, ipfsHash: cid };
    await kv.put(publicKeyIn("kv", "chain_block", block.blockNumber), value, { metadata });
  }

  return {
    name: "kv",
    store,
    replace: store, // KV has no fence: a put overwrites

    async read({ blockNumber, cid, hash }: BlockLocator): Promise<Holding> {
      const { value, metadata } = await kv.getWithMetadata(kvKeys.block(blockNumber), "text");
      if (value === null) return { state: "missing", detail: "KV has no such key" };
      const record = recordIn(parseJson(value));
      if (record === undefined)
        return {
          state: "present",
          bytes: utf8(value),
          wrong: "corrupt",
          detail: "not the record of a block",
        };
      const bytes = blockBytes(blockOf(record));
      if (record.ipfsHash !== cid || !v.is(BlockMetadata, metadata) || metadata.ipfsHash !== cid)
        return { state: "present", bytes, wrong: "wrong_cid", detail: `it does not name ${cid}` };
      return metadata.hash === hash
        ? { state: "present", bytes }
        : { state: "present", bytes, wrong: "corrupt", detail: "the key's metadata names another hash" };
    },
  };
}

export function blockRecord({ block, cid }: BlockCopy, { gatewayUrl, now }: KvTierSettings): BlockRecord {
  return {
    ...block,
    ipfsHash: cid,
    ipfsGatewayUrl: `${gatewayUrl}/ipfs/${cid}`,
    storage: { r2Key: r2Keys.block(block.blockNumber), storedAt: now() },
  };
}

/** The block in a record; `undefined` when the value is not a record. */
export function blockOfRecord(record: unknown): Block | undefined {
  const read = recordIn(record);
  return read && blockOf(read);
}

/** Readers get the record as stored, so it must hold nothing besides the fields of the schema. */
function recordIn(value: unknown): BlockRecord | undefined {
  const parsed = v.safeParse(BlockRecord, value);
  return parsed.success && isReadWhole(value, parsed.output) ? parsed.output : undefined;
}

function blockOf(record: BlockRecord): Block {
  const { ipfsHash: _, ipfsGatewayUrl: __, storage: ___, ...block } = record;
  return block;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the value is not a block, so no record matches it
  }
}
