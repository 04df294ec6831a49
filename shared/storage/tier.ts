import type { Block } from "../chain/block.ts";

/** A sealed block on its way into the tiers: the exact bytes, what they say, and the CID computed from them. */
export interface BlockCopy {
  readonly block: Block;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly cid: string;
}

export type BlockLocator = { readonly blockNumber: number; readonly cid: string };

/** A place where blocks are kept. One file per tier. */
export interface Tier {
  readonly name: "r2" | "ipfs" | "kv";

  /**
   * Durable, and the bytes seen to be right, when it resolves. The same block may be stored again.
   * @throws Permanent("forked") when the tier holds other bytes under this number
   */
  store(copy: BlockCopy): Promise<void>;

  /**
   * The block's canonical bytes as this tier holds them, unverified; `undefined` only when the tier answered that it
   * has none. A read error throws: unknown is not empty.
   */
  read(locator: BlockLocator): Promise<Uint8Array<ArrayBuffer> | undefined>;
}
