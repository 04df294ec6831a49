import type { Block } from "../chain/block.ts";

/** A sealed block on its way into the tiers: the exact bytes, the parsed block, and the CID computed from the bytes. */
export interface BlockCopy {
  readonly block: Block;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly cid: string;
}

/** A block as the chain head knows it: which bytes a tier should hold, and under which CID. */
export interface BlockLocator {
  readonly blockNumber: number;
  readonly cid: string;
  readonly hash: string;
}

export const TIER_NAMES = ["kv", "r2", "ipfs"] as const;
export type TierName = (typeof TIER_NAMES)[number];

/** The unverified contents of a tier under a block's number. A read error throws: unknown is not empty. */
export type Holding =
  | { readonly state: "missing"; readonly detail: string; readonly bytes?: Uint8Array<ArrayBuffer> }
  | {
      readonly state: "present";
      /** The block's canonical bytes, as this tier holds them. */
      readonly bytes: Uint8Array<ArrayBuffer>;
      /** A fault of the tier's statements about the block, apart from the bytes themselves. */
      readonly wrong?: "corrupt" | "wrong_cid";
      readonly detail?: string;
    };

/** A place that stores blocks. One file per tier. */
export interface Tier {
  readonly name: TierName;

  /**
   * Stores the block. When it resolves, the block is durable and its bytes are checked. The same block may be stored
   * again.
   * @throws Permanent("forked") when the tier holds other bytes under this number
   */
  store(copy: BlockCopy): Promise<void>;

  /**
   * Like `store`, but overwrites other bytes under this number, which were found to be wrong and are kept as evidence.
   */
  replace(copy: BlockCopy): Promise<void>;

  read(locator: BlockLocator): Promise<Holding>;
}

export type Tiers = Readonly<Record<TierName, Tier>>;
