import { IndexedStatus } from "../chain/document.ts";
import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { CidV0, Sha256Hex, Timestamp } from "../chain/transaction.ts";
import { TIER_NAMES, type TierName } from "../storage/tier.ts";
import { Count } from "./count.ts";

/**
 * The results of verifying stored blocks. Specification, "Storage Verification & Rehydration" and "Verification States".
 */

/**
 * Why a copy does not count. missing: it does not exist · corrupt: its bytes are not those of the block · wrong_cid: it
 * names or serves another CID · forked: it is another block, signed by our key · unreachable: its state is unknown, so
 * nothing is done
 */
export const TIER_FAULTS = ["missing", "corrupt", "wrong_cid", "forked", "unreachable"] as const;
export const TierFault = v.picklist(TIER_FAULTS);
export type TierFault = v.InferOutput<typeof TierFault>;

/** `hash`: the block's hash, on IPFS its CID; null when the tier does not hold the block. */
export const TierReport = v.strictObject({
  present: v.boolean(),
  hash: v.nullable(v.string()),
  fault: v.optional(TierFault),
  detail: v.optional(v.string()),
});
export type TierReport = v.InferOutput<typeof TierReport>;

/**
 * ok: every copy is valid · rehydrated: invalid copies were restored · partial: some copy is still invalid · failed: no
 * copy verifies
 */
export const BLOCK_STATUSES = ["ok", "partial", "rehydrated", "failed"] as const;
export const BlockStatus = v.picklist(BLOCK_STATUSES);
export type BlockStatus = v.InferOutput<typeof BlockStatus>;

export const BlockReport = v.strictObject({
  blockNumber: BlockNumber,
  kv: TierReport,
  r2: TierReport,
  ipfs: TierReport,
  /** Keys of the index in KV (transactions, assets) that do not match the block; null when this is not known. */
  index: v.strictObject({ complete: v.boolean(), missing: v.nullable(Count) }),
  /**
   * Transactions that commit to a private part which `private/{n}.json` in R2 lacks, and which was not erased; null when
   * R2 cannot be read. No other tier has private parts: an export restores them.
   */
  privateParts: v.strictObject({ complete: v.boolean(), missing: v.nullable(Count) }),
  /** The tier whose copy is the source for restoring the others. */
  source: v.nullable(v.picklist(TIER_NAMES)),
  /** Each restored copy, with its earlier fault. */
  rehydrated: v.strictObject({
    kv: v.optional(TierFault),
    r2: v.optional(TierFault),
    ipfs: v.optional(TierFault),
    index: v.optional(TierFault),
  }),
  status: BlockStatus,
  message: v.string(),
  untrusted: v.pipe(
    v.nullable(v.strictObject({ keyId: Sha256Hex, revokedIn: BlockNumber })),
    v.description(
      "The revoked key that signed it when it was not to be trusted, and the block that says so; its copies may be sound",
    ),
  ),
});
export type BlockReport = v.InferOutput<typeof BlockReport>;

/**
 * Decides whether a tier held, or holds, a second block of this number that a key of the chain signed. A repair then
 * halts the chain.
 */
export function isFork({ kv, r2, ipfs, rehydrated }: Pick<BlockReport, TierName | "rehydrated">): boolean {
  return [kv.fault, r2.fault, ipfs.fault, ...Object.values(rehydrated)].includes("forked");
}

/** The result of verifying a stored document: R2 and IPFS must hold the record whose CID the index of documents has. */
export const DocumentReport = v.strictObject({
  documentId: Sha256Hex,
  documentCid: CidV0,
  r2: TierReport,
  ipfs: TierReport,
  /** The tier whose copy is the source for restoring the other. */
  source: v.nullable(v.picklist(["r2", "ipfs"])),
  /** Each restored copy, with its earlier fault. */
  rehydrated: v.strictObject({ r2: v.optional(TierFault), ipfs: v.optional(TierFault) }),
  status: BlockStatus,
  message: v.string(),
});
export type DocumentReport = v.InferOutput<typeof DocumentReport>;

/** Progress of the verification of documents, which follows that of the blocks. */
export const DocumentsVerified = v.strictObject({
  /** Number of documents to verify; 0 before it begins. */
  total: Count,
  /** Number of documents verified so far. */
  next: Count,
  verified: Count,
  rehydrated: Count,
  partial: Count,
  failed: Count,
  /** The first 500 documents with another status than ok. */
  results: v.array(DocumentReport),
});
export type DocumentsVerified = v.InferOutput<typeof DocumentsVerified>;

/** Progress of the verification of both logs' tiles and newest checkpoints, which follows that of the blocks. */
export const LogVerified = v.strictObject({
  total: v.pipe(v.nullable(Count), v.description("Number of tiles and checkpoints; null before it begins")),
  /** Number of tiles and checkpoints verified so far. */
  next: Count,
  checked: v.pipe(Count, v.description("Number of objects checked; a full tile of transactions has two")),
  restored: v.pipe(Count, v.description("Objects that were missing or wrong, and were made anew")),
  failed: v.pipe(Count, v.description("Objects that are missing or wrong still, or could not be compared")),
});
export type LogVerified = v.InferOutput<typeof LogVerified>;

/** The stored documents, in the order of their ids. */
export const DocumentPage = v.strictObject({
  documents: v.array(
    v.strictObject({
      documentId: Sha256Hex,
      documentCid: CidV0,
      /** Bytes of the record. */
      bytes: Count,
      status: IndexedStatus,
      checkedAt: v.nullable(Timestamp),
    }),
  ),
  next: v.pipe(v.nullable(Sha256Hex), v.description("The `after` of the page after; null on the last")),
});
export type DocumentPage = v.InferOutput<typeof DocumentPage>;

/** Number of stored documents, and the results of their latest verifications. */
export const DocumentTotals = v.strictObject({
  total: Count,
  unverified: Count,
  /** Documents that some tier lacks or could not read. */
  partial: Count,
  /** Documents that no tier has. */
  failed: Count,
  /** Every document has been verified since this time; null before the first full round. */
  verifiedSince: v.nullable(Timestamp),
  /** Number of copies that were ever restored. */
  rehydrated: v.strictObject({ r2: Count, ipfs: Count }),
});
export type DocumentTotals = v.InferOutput<typeof DocumentTotals>;

export const StorageRun = v.strictObject({
  id: v.string(),
  /** verify: blocks, tier by tier · restore: the chain head, block by block, from what the tiers hold */
  kind: v.picklist(["verify", "restore"]),
  state: v.picklist(["running", "done", "failed", "aborted"]),
  repair: v.boolean(),
  by: v.string(),
  startedAt: Timestamp,
  finishedAt: v.nullable(Timestamp),
  /** The first block of the run, and the number of its blocks. */
  firstBlock: Count,
  totalBlocks: Count,
  /** The next block to process. */
  next: Count,
  verified: Count,
  rehydrated: Count,
  partial: Count,
  failed: Count,
  /** Blocks that a revoked key signed when it was not to be trusted, whatever the state of their copies. */
  untrusted: Count,
  /** The first 500 blocks that are untrusted or have another status than ok, the lowest first. */
  results: v.array(BlockReport),
  log: LogVerified,
  documents: DocumentsVerified,
  /** The reason why the run failed, and what to do. */
  message: v.nullable(v.string()),
  /** Milliseconds so far. */
  duration: Count,
});
export type StorageRun = v.InferOutput<typeof StorageRun>;

/** The blocks that the tiers list: presence only, not validity. */
export const StorageStatus = v.strictObject({
  totalBlocks: Count,
  blocks: v.array(
    v.strictObject({
      blockNumber: BlockNumber,
      kv: v.boolean(),
      r2: v.boolean(),
      ipfs: v.nullable(v.string()),
      complete: v.boolean(),
    }),
  ),
  summary: v.strictObject({ complete: Count, incomplete: Count }),
  /** Null while the index of documents is being rebuilt. */
  documents: v.nullable(DocumentTotals),
  /** Results of the latest verifications of all blocks. */
  verification: v.strictObject({
    /** Blocks without a valid copy in any tier. */
    failing: Count,
    /** Blocks of which a tier lacks a valid copy, or could not be read. */
    partial: Count,
    /** Blocks of which R2 lacks private parts. No tier has another copy of a private part; an export restores it. */
    withoutPrivateParts: Count,
    /** Every block that was published by then has been verified since this time; null before the first full round. */
    verifiedSince: v.nullable(Timestamp),
    lastRun: v.nullable(
      v.strictObject({
        id: v.string(),
        state: v.picklist(["running", "done", "failed", "aborted"]),
        startedAt: Timestamp,
        finishedAt: v.nullable(Timestamp),
      }),
    ),
  }),
  /** `from` of the page after, null on the last. */
  next: v.nullable(Count),
});
export type StorageStatus = v.InferOutput<typeof StorageStatus>;

/** The result of a run that was short enough to finish within the call. */
export const VerifyAllResult = v.strictObject({
  totalBlocks: Count,
  verified: Count,
  rehydrated: Count,
  partial: Count,
  failed: Count,
  /** Like `untrusted` of a run. */
  untrusted: Count,
  results: v.array(BlockReport),
  log: LogVerified,
  documents: DocumentsVerified,
  duration: Count,
});
export type VerifyAllResult = v.InferOutput<typeof VerifyAllResult>;
