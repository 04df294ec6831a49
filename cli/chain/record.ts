import { blockBytes } from "../../shared/chain/block.ts";
import { blockOfRecord } from "../../shared/storage/kv-tier.ts";
import type { SourceBlock } from "./verify.ts";

/**
 * The canonical bytes of a record of the public API, and the CID that it claims. A value that is not a record becomes
 * empty bytes, which fail to verify.
 */
export function sourceBlockOf(record: unknown): SourceBlock {
  const block = blockOfRecord(record);
  if (block === undefined) return { bytes: new Uint8Array(0) };
  return { bytes: blockBytes(block), cid: (record as { ipfsHash: string }).ipfsHash };
}
