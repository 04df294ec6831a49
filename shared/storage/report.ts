import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { CidV0, Sha256Hex, Timestamp } from "../chain/transaction.ts";
import { TIER_NAMES, type TierName } from "./tier.ts";

/** What verification says of stored blocks. Specification, "Storage Verification & Rehydration" and "Verification States". */

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/**
 * Why a copy does not count. missing: there is none · corrupt: its bytes are not those of the block · wrong_cid: it
 * names or serves another CID · forked: it is another block, signed by our key · unreachable: not known, so nothing is done
 */
export const TIER_FAULTS = ["missing", "corrupt", "wrong_cid", "forked", "unreachable"] as const;
export const TierFault = v.picklist(TIER_FAULTS);
export type TierFault = v.InferOutput<typeof TierFault>;

/** `hash`: of the block, on IPFS its CID; null when the tier does not hold it. */
export const TierReport = v.strictObject({
  present: v.boolean(),
  hash: v.nullable(v.string()),
  fault: v.optional(TierFault),
  detail: v.optional(v.string()),
});
export type TierReport = v.InferOutput<typeof TierReport>;

/** ok: every copy is sound · rehydrated: is so now · partial: is not yet · failed: no copy verifies */
export const BLOCK_STATUSES = ["ok", "partial", "rehydrated", "failed"] as const;
export const BlockStatus = v.picklist(BLOCK_STATUSES);
export type BlockStatus = v.InferOutput<typeof BlockStatus>;

export const BlockReport = v.strictObject({
  blockNumber: BlockNumber,
  kv: TierReport,
  r2: TierReport,
  ipfs: TierReport,
  /** Keys of the index in KV (transactions, assets) that are not as the block says; null when that can't be known. */
  index: v.strictObject({ complete: v.boolean(), missing: v.nullable(Count) }),
  /**
   * Transactions that commit to a private part which `private/{n}.json` in R2 does not have, and which was not erased; null when
   * R2 can't be read. No other tier has one: an export restores it.
   */
  privateParts: v.strictObject({ complete: v.boolean(), missing: v.nullable(Count) }),
  /** The tier whose copy the others were, or would be, restored from. */
  source: v.nullable(v.picklist(TIER_NAMES)),
  /** What was restored, and what had been wrong with it. */
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

/** A tier held, or holds, a second block of this number that a key of the chain signed. Repair halts the chain then. */
export function isFork({ kv, r2, ipfs, rehydrated }: Pick<BlockReport, TierName | "rehydrated">): boolean {
  return [kv.fault, r2.fault, ipfs.fault, ...Object.values(rehydrated)].includes("forked");
}

/** What verification says of a stored document: R2 and IPFS hold the record whose CID the index of documents has. */
export const DocumentReport = v.strictObject({
  documentId: Sha256Hex,
  documentCid: CidV0,
  r2: TierReport,
  ipfs: TierReport,
  /** The tier whose copy the other was, or would be, restored from. */
  source: v.nullable(v.picklist(["r2", "ipfs"])),
  /** What was restored, and what had been wrong with it. */
  rehydrated: v.strictObject({ r2: v.optional(TierFault), ipfs: v.optional(TierFault) }),
  status: BlockStatus,
  message: v.string(),
});
export type DocumentReport = v.InferOutput<typeof DocumentReport>;

/** How far the verification of documents is, which follows that of the blocks. */
export const DocumentsVerified = v.strictObject({
  /** How many documents it is about; 0 before it begins. */
  total: Count,
  /** How many have been verified. */
  next: Count,
  verified: Count,
  rehydrated: Count,
  partial: Count,
  failed: Count,
  /** Documents that were not simply ok: the first 500 that were found. */
  results: v.array(DocumentReport),
});
export type DocumentsVerified = v.InferOutput<typeof DocumentsVerified>;

/** The stored documents, in the order of their ids. */
export const DocumentPage = v.strictObject({
  documents: v.array(
    v.strictObject({
      documentId: Sha256Hex,
      documentCid: CidV0,
      /** Of the record. */
      bytes: Count,
      /** By the latest verification. unverified: it was read from a list of R2 or of the pinning service into an index that had been lost */
      status: v.picklist(["unverified", "ok", "partial", "failed"]),
      checkedAt: v.nullable(Timestamp),
    }),
  ),
  next: v.pipe(v.nullable(Sha256Hex), v.description("The `after` of the page after; null on the last")),
});
export type DocumentPage = v.InferOutput<typeof DocumentPage>;

/** How many documents are stored, and what their latest verifications found. */
export const DocumentTotals = v.strictObject({
  total: Count,
  unverified: Count,
  /** Some tier lacks it, or could not be read. */
  partial: Count,
  /** No tier has it. */
  failed: Count,
  /** Every document has been verified since; null before that is so. */
  verifiedSince: v.nullable(Timestamp),
  /** Copies that were restored, ever. */
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
  /** The block that the run began with, and how many it is about. */
  firstBlock: Count,
  totalBlocks: Count,
  /** The block that comes next: how far the run is. */
  next: Count,
  verified: Count,
  rehydrated: Count,
  partial: Count,
  failed: Count,
  /** Blocks, whatever their copies are like, that a revoked key signed when it was not to be trusted. */
  untrusted: Count,
  /** Blocks that were not simply ok, or are untrusted: the first 500 that were found, the lowest first. */
  results: v.array(BlockReport),
  documents: DocumentsVerified,
  /** Why the run failed, and what to do. */
  message: v.nullable(v.string()),
  /** Milliseconds so far. */
  duration: Count,
});
export type StorageRun = v.InferOutput<typeof StorageRun>;

/** What is there, by the tiers' own lists: presence, not soundness. */
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
  /** Null while it can't be told: the index of documents is being made anew. */
  documents: v.nullable(DocumentTotals),
  /** What the latest verifications found, of all blocks. */
  verification: v.strictObject({
    /** Blocks of which no tier has a sound copy. */
    failing: Count,
    /** Blocks of which a tier lacks a sound copy, or could not be read. */
    partial: Count,
    /** Blocks of which R2 lacks private parts: no tier has another copy of those, an export restores them. */
    withoutPrivateParts: Count,
    /** Every block that was published by then has been verified since; null before the first round is over. */
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

/** A run that was not long enough to be left to the queue. */
export const VerifyAllResult = v.strictObject({
  totalBlocks: Count,
  verified: Count,
  rehydrated: Count,
  partial: Count,
  failed: Count,
  /** As in a run. */
  untrusted: Count,
  results: v.array(BlockReport),
  documents: DocumentsVerified,
  duration: Count,
});
export type VerifyAllResult = v.InferOutput<typeof VerifyAllResult>;
