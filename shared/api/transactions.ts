import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { BLOCK_STATES } from "../chain/states.ts";
import { Sha256Hex, Timestamp, Transaction, TransactionType, TxId } from "../chain/transaction.ts";
import { PERMANENT_REASONS } from "../runtime/errors.ts";
import { CLAIM } from "./indexed-through.ts";
import type { Plan } from "./plan.ts";

const Index = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.description("Its place in the block"));

export const TransactionStatus = v.variant("state", [
  v.strictObject({
    ...CLAIM,
    txId: TxId,
    state: v.literal("awaiting_payment"),
    since: Timestamp,
    expiresAt: v.pipe(Timestamp, v.description("Unless it is paid before")),
  }),
  v.strictObject({ ...CLAIM, txId: TxId, state: v.literal("expired"), expiredAt: Timestamp }),
  v.pipe(
    v.strictObject({ ...CLAIM, txId: TxId, state: v.literal("paid"), since: Timestamp }),
    v.description("Paid, and about to be pending"),
  ),
  v.pipe(
    v.strictObject({ ...CLAIM, txId: TxId, state: v.literal("awaiting_submission") }),
    v.description("Paid, but what was signed is not here: submit it, or submit it again"),
  ),
  v.strictObject({
    ...CLAIM,
    txId: TxId,
    state: v.literal("pending"),
    timestamp: Timestamp,
    admittedAt: Timestamp,
  }),
  v.strictObject({
    ...CLAIM,
    txId: TxId,
    state: v.literal("reserved"),
    blockNumber: BlockNumber,
    timestamp: Timestamp,
    admittedAt: Timestamp,
    blockState: v.picklist(BLOCK_STATES),
  }),
  v.strictObject({
    ...CLAIM,
    txId: TxId,
    state: v.literal("mined"),
    blockNumber: BlockNumber,
    index: Index,
    blockHash: v.optional(v.pipe(Sha256Hex, v.description("Once it is indexed"))),
    type: v.optional(TransactionType),
    timestamp: Timestamp,
    blockUrl: v.string(),
  }),
  v.strictObject({
    ...CLAIM,
    txId: TxId,
    state: v.literal("set_aside"),
    timestamp: Timestamp,
    admittedAt: Timestamp,
    reason: v.nullable(v.picklist(PERMANENT_REASONS)),
  }),
]);
export type TransactionStatus = v.InferOutput<typeof TransactionStatus>;

export const transaction = {
  does: "Where a transaction is: awaiting_payment, paid, pending, reserved, mined (block and index), set_aside (with its reason), expired, or awaiting_submission",
  who: "anyone",
  params: v.strictObject({ txId: TxId }),
  answers: { 200: TransactionStatus },
  problems: ["not-found"],
  beyondKv: true,
} as const satisfies Plan;

export const transactionBytes = {
  does: "The canonical bytes of a mined transaction, as a download: the data of its Merkle leaf, whose SHA-256 is the ETag",
  who: "anyone",
  params: v.strictObject({ txId: TxId }),
  headers: { "if-none-match": "an ETag that you have: then 304 when it is still right, as it always is" },
  answers: { 200: Transaction, 304: { contentType: null } },
  problems: ["not-found", "not-ready", "unavailable"],
  beyondKv: true,
} as const satisfies Plan;
