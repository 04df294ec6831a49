import type { KeyRevocation, SigningKey } from "./transaction.ts";
import type { BlockFrame } from "./block.ts";

/**
 * A block that is being made: the chain head fixed its frame and its transactions, in their order. `revision` grows
 * when a transaction is set aside; only a block built from the latest revision can be sealed, and only in the life of the
 * chain head that made the reservation.
 */
export interface Reservation extends BlockFrame {
  readonly life: string;
  readonly revision: number;
  /** Ids, in the order of their admission. Empty for genesis alone. */
  readonly transactions: readonly string[];
  /** Ids of the transactions whose envelope is in `set-aside/`: they were set aside before, and replayed. */
  readonly moved: readonly string[];
  /** Ids of the signing keys that the chain has announced so far, oldest first: the last one signs. Empty before genesis. */
  readonly announcedKeyIds: readonly string[];
  /** What an operator wants the block to state of a retired key. A block without it leaves it to the next. */
  readonly revocation: KeyRevocation | null;
}

/** An asset that a block is about. */
export interface AssetMention {
  readonly assetId: string;
  /** The transaction of the block that creates it, if one does. */
  readonly createdBy: string | null;
  /** Who may transfer it after this block: key id of the signing key, null when nobody may. */
  readonly owner: string | null;
}

/** What a block changes of what the rules across transactions read. */
export interface LedgerChanges {
  readonly assets: readonly AssetMention[];
  /** Those whom the block registers: key ids of their signing and of their encryption key. */
  readonly users: readonly { readonly userId: string; readonly encryptionKeyId: string }[];
}

/** What the chain head keeps of a sealed block. */
export interface SealedBlock extends LedgerChanges {
  /** Those of the reservation that the block was built from. */
  readonly life: string;
  readonly revision: number;
  readonly hash: string;
  /** SHA-256 of the stored bytes, lower-case hex: the name of the staged object. */
  readonly sha256: string;
  readonly byteLength: number;
  readonly keyId: string;
  /** Signing keys that this block announces (genesis, key rotation): valid from the next block on, genesis' own at once. */
  readonly announces: readonly SigningKey[];
  /** What it says of keys that are not to be trusted. */
  readonly revokes: readonly KeyRevocation[];
  /** Transactions of the system's own at the front of the block, before those of the reservation. */
  readonly systemTransactions: number;
}

/** A block that had been sealed before the chain head lost its storage, as its verified bytes tell it. `life`: the one that it is restored in. */
export interface RestoredBlock extends Omit<SealedBlock, "revision"> {
  readonly blockNumber: number;
  readonly timestamp: number;
  readonly previousHash: string;
  readonly historyRoot: string;
  readonly ipfsHash: string;
  /** Those that came from `pending/`, with their place in the block and their bytes. */
  readonly transactions: readonly {
    readonly txId: string;
    readonly timestamp: number;
    readonly size: number;
    readonly position: number;
  }[];
  /** Its payments that pay for a submission, and which. */
  readonly pays: readonly { readonly txId: string; readonly pays: string }[];
}

export interface SealAnswer {
  /** False when another miner's bytes were sealed first: those are then the block. */
  readonly won: boolean;
  readonly hash: string;
  readonly sha256: string;
}
