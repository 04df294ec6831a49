import type { Block } from "../chain/block.ts";

/** A sealed block on its way into the tiers: the exact bytes, what they say, and the CID computed from them. */
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

/** What a tier holds under a block's number, unverified. A read error throws: unknown is not empty. */
export type Holding =
  | { readonly state: "missing"; readonly detail: string; readonly bytes?: Uint8Array<ArrayBuffer> }
  | {
      readonly state: "present";
      /** The block's canonical bytes, as this tier has them. */
      readonly bytes: Uint8Array<ArrayBuffer>;
      /** What is wrong with what this tier says about the block, besides the bytes themselves. */
      readonly wrong?: "corrupt" | "wrong_cid";
      readonly detail?: string;
    };

/** A place where blocks are kept. One file per tier. */
export interface Tier {
  readonly name: TierName;

  /**
   * Durable, and the bytes seen to be right, when it resolves. The same block may be stored again.
   * @throws Permanent("forked") when the tier holds other bytes under this number
   */
  store(copy: BlockCopy): Promise<void>;

  /** As `store`, but other bytes under this number, which have been found to be wrong and kept as evidence, are overwritten. */
  replace(copy: BlockCopy): Promise<void>;

  read(locator: BlockLocator): Promise<Holding>;
}

export type Tiers = Readonly<Record<TierName, Tier>>;
