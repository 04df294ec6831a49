import * as v from "valibot";
import { Block, blockBytes } from "../chain/block.ts";
import { kvKeys, r2Keys } from "./layout.ts";
import { KV_VALUE_BYTES } from "./limits.ts";
import type { BlockCopy, BlockLocator, Tier } from "./tier.ts";

/** What KV holds under `vdc:block:{n}`: the block, and where its other copies are. */
export const BlockRecord = v.strictObject({
  ...Block.entries,
  ipfsHash: v.string(),
  ipfsGatewayUrl: v.string(),
  storage: v.strictObject({ r2Key: v.string(), storedAt: v.number() }),
});
export type BlockRecord = v.InferOutput<typeof BlockRecord>;

export interface KvTierSettings {
  /** Base URL of the IPFS gateway that links point to, without a slash at its end. */
  readonly gatewayUrl: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The read path. Written last of the three; never read to decide anything, for KV is eventually consistent. */
export function kvTier(kv: KVNamespace, settings: KvTierSettings): Tier {
  return {
    name: "kv",

    async store(copy: BlockCopy) {
      const { block, cid } = copy;
      const value = JSON.stringify(blockRecord(copy, settings));
      if (value.length > KV_VALUE_BYTES) throw new Error(`block ${block.blockNumber} is too large for KV`);
      await kv.put(kvKeys.block(block.blockNumber), value, { metadata: { hash: block.hash, ipfsHash: cid } });
    },

    async read({ blockNumber }: BlockLocator) {
      const record = await kv.get(kvKeys.block(blockNumber), "json");
      return record === null ? undefined : bytesOfRecord(record);
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

/** The block in a record, `undefined` when the record is none. */
export function blockOfRecord(record: unknown): Block | undefined {
  const parsed = v.safeParse(BlockRecord, record);
  if (!parsed.success) return undefined;
  const { ipfsHash: _, ipfsGatewayUrl: __, storage: ___, ...block } = parsed.output;
  return block;
}

/** The block's canonical bytes, as they must be if the record is true; what does not fit becomes bytes that fail to verify. */
function bytesOfRecord(record: unknown): Uint8Array<ArrayBuffer> {
  const block = blockOfRecord(record);
  return block === undefined ? new Uint8Array(0) : blockBytes(block);
}
