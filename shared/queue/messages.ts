import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { Sha256Hex, Timestamp, TxId } from "../chain/transaction.ts";
import { Envelope } from "../crypto/envelope.ts";
import { PERMANENT_REASONS } from "../runtime/errors.ts";
import { STAGES } from "../pipeline.ts";

/**
 * The messages of the queues. Each is a pointer, except the first, which carries an encrypted transaction. `v` lets a
 * newer Worker read an older message while both are deployed.
 */
const version = v.literal(1);
const Newer = v.object({ v: v.pipe(v.number(), v.minValue(2)) });

/** While two versions are deployed, or after a rollback, a newer message waits for the Worker that can read it. */
export function isOfNewerVersion(body: unknown): boolean {
  return v.is(Newer, body);
}

/** `size`: bytes of the public transaction, so that a block's size is known before decryption. */
export const PendingTransaction = v.strictObject({
  v: version,
  txId: TxId,
  timestamp: Timestamp,
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** For a payment: the id of the submission that it pays for. */
  pays: v.optional(TxId),
  /** The grant that the transaction makes true once it is mined: `shared/chain/grant.ts`. */
  grants: v.optional(Sha256Hex),
  /** The grant without which the transaction would break a rule. */
  needs: v.optional(Sha256Hex),
  /** The transaction comes from Stripe, so it has a claim to half of each block: `shared/chain/rules.ts`. */
  paid: v.optional(v.literal(true)),
  envelope: Envelope,
});
export type PendingTransaction = v.InferOutput<typeof PendingTransaction>;

/** Rejects a message that names one transaction and carries another transaction's envelope. */
export function isSealedForItself({ txId, envelope }: PendingTransaction): boolean {
  return envelope.txId === txId;
}

/** Approved work waits for the miner. Only earlier Workers send a `cause`, and the miner does not read it. */
export const MineRequest = v.strictObject({
  v: version,
  cause: v.exactOptional(v.picklist(["threshold", "approved"])),
});
export type MineRequest = v.InferOutput<typeof MineRequest>;

export const PersistBlock = v.strictObject({ v: version, blockNumber: BlockNumber });
export type PersistBlock = v.InferOutput<typeof PersistBlock>;

/** `from`: index of the first transaction to index. A large block is indexed in several messages. */
export const IndexBlock = v.strictObject({ v: version, blockNumber: BlockNumber, from: BlockNumber });
export type IndexBlock = v.InferOutput<typeof IndexBlock>;

export const CleanBlock = v.strictObject({ v: version, blockNumber: BlockNumber });
export type CleanBlock = v.InferOutput<typeof CleanBlock>;

/** `vdc:latest` names this block: the logs have a checkpoint that covers it soon. */
export const CheckpointBlock = v.strictObject({ v: version, blockNumber: BlockNumber });
export type CheckpointBlock = v.InferOutput<typeof CheckpointBlock>;

/**
 * `chunk`: the next blocks of a run, beginning with `from`. `block`: a single block, outside a run. `document`: a document to
 * pin.
 */
export const VerifyStorage = v.variant("kind", [
  v.strictObject({ v: version, kind: v.literal("chunk"), runId: v.string(), from: BlockNumber }),
  v.strictObject({ v: version, kind: v.literal("block"), blockNumber: BlockNumber, repair: v.boolean() }),
  v.strictObject({ v: version, kind: v.literal("document"), documentId: Sha256Hex }),
]);
export type VerifyStorage = v.InferOutput<typeof VerifyStorage>;

/** A message that a stage gave up: `shared/queue/consume.ts` sends it to the stage's dead-letter queue. */
export const DeadLetter = v.strictObject({
  v: version,
  kind: v.literal("dead_letter"),
  stage: v.picklist(STAGES),
  reason: v.picklist(PERMANENT_REASONS),
  error: v.string(),
  attempts: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  failedAt: Timestamp,
  message: v.unknown(),
});
export type DeadLetter = v.InferOutput<typeof DeadLetter>;

/** A transaction that a block could not take: the chain head sends it to the miner's dead-letter queue. */
export const SetAside = v.strictObject({
  v: version,
  kind: v.literal("set_aside"),
  txId: TxId,
  blockNumber: BlockNumber,
  reason: v.picklist(PERMANENT_REASONS),
  error: v.string(),
  failedAt: Timestamp,
});
export type SetAside = v.InferOutput<typeof SetAside>;
