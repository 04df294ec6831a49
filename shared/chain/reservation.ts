import type { KeyRevocation, SigningKey } from "./transaction.ts";
import type { BlockFrame } from "./block.ts";

/**
 * A block that is being made: the chain head fixed its frame and its transactions, in their order. `revision` grows when
 * a transaction is set aside. A block can be sealed only if it was built from the latest revision, in the life of the
 * chain head that made the reservation.
 */
export interface Reservation extends BlockFrame {
  readonly life: string;
  readonly revision: number;
  /** Ids, in the order of their admission. Empty for genesis alone. */
  readonly transactions: readonly string[];
  /** Ids of transactions whose envelope is in `set-aside/`, because they were set aside before and then replayed. */
  readonly moved: readonly string[];
  /** Ids of the signing keys that the chain has announced so far, oldest first: the last one signs. Empty before genesis. */
  readonly announcedKeyIds: readonly string[];
  /**
   * The revocation of a retired key that an operator requested for the block. A block without it leaves it to the next.
   */
  readonly revocation: KeyRevocation | null;
}

/** An asset that a block is about. */
export interface AssetMention {
  readonly assetId: string;
  /** Id of the transaction in this block that creates the asset, or null. */
  readonly createdBy: string | null;
  /**
   * Key id of the signing key that may transfer the asset after this block; null when the asset cannot be transferred.
   */
  readonly owner: string | null;
}

/** Ledger changes made by a block. */
export interface LedgerChanges {
  readonly assets: readonly AssetMention[];
  /** Users whom the block registers: key ids of their signing and of their encryption key. */
  readonly users: readonly { readonly userId: string; readonly encryptionKeyId: string }[];
}

/** The facts about a sealed block that the chain head keeps. */
export interface SealedBlock extends LedgerChanges {
  /** Life and revision of the reservation that the block was built from. */
  readonly life: string;
  readonly revision: number;
  readonly hash: string;
  /** SHA-256 of the stored bytes, lower-case hex: the name of the staged object. */
  readonly sha256: string;
  /** CIDv0 of the stored bytes: the next block's `previousCid`. */
  readonly cid: string;
  readonly byteLength: number;
  readonly keyId: string;
  /**
   * Signing keys that this block announces (genesis, key rotation). They are valid from the next block on; the key of
   * genesis is valid at once.
   */
  readonly announces: readonly SigningKey[];
  /** Key revocations that this block states. */
  readonly revokes: readonly KeyRevocation[];
  /** Number of the system's own transactions, which stand at the front of the block, before those of the reservation. */
  readonly systemTransactions: number;
}

/**
 * A block that was sealed before the chain head lost its storage, as its verified bytes describe it. `life`: the life in
 * which it is restored.
 */
export interface RestoredBlock extends Omit<SealedBlock, "revision"> {
  readonly blockNumber: number;
  readonly timestamp: number;
  readonly previousHash: string;
  readonly previousCid: string | null;
  readonly historyRoot: string;
  /** Transactions that came from `pending/`, with their place in the block and their size in bytes. */
  readonly transactions: readonly {
    readonly txId: string;
    readonly timestamp: number;
    readonly size: number;
    readonly position: number;
  }[];
  /** The block's payments that pay for a submission, each with the submission's id. */
  readonly pays: readonly { readonly txId: string; readonly pays: string }[];
}

export interface SealAnswer {
  /** False when another miner's bytes were sealed first: those bytes are the block. */
  readonly won: boolean;
  readonly hash: string;
  readonly sha256: string;
}
