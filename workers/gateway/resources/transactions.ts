import * as v from "valibot";
import type { TransactionRecord } from "../../../shared/operations/block-index.ts";
import { BlockNumber } from "../../../shared/chain/block.ts";
import { BLOCK_STATES, reached } from "../../../shared/chain/states.ts";
import { Sha256Hex, Timestamp, TransactionType, TxId } from "../../../shared/chain/transaction.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { PERMANENT_REASONS } from "../../../shared/runtime/errors.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import type { IntentFacts } from "../../chain-head/reads/intents.ts";
import type { TransactionFacts } from "../../chain-head/reads/transaction.ts";
import { operation } from "../http/operation.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";

const Index = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.description("Its place in the block"));

export const TransactionStatus = v.variant("state", [
  v.strictObject({
    txId: TxId,
    state: v.literal("awaiting_payment"),
    since: Timestamp,
    expiresAt: v.pipe(Timestamp, v.description("Unless it is paid before")),
  }),
  v.strictObject({ txId: TxId, state: v.literal("expired"), expiredAt: Timestamp }),
  v.pipe(
    v.strictObject({ txId: TxId, state: v.literal("paid"), since: Timestamp }),
    v.description("Paid, and about to be pending"),
  ),
  v.pipe(
    v.strictObject({ txId: TxId, state: v.literal("awaiting_submission") }),
    v.description("Paid, but what was signed is not here: submit it, or submit it again"),
  ),
  v.strictObject({ txId: TxId, state: v.literal("pending"), timestamp: Timestamp, admittedAt: Timestamp }),
  v.strictObject({
    txId: TxId,
    state: v.literal("reserved"),
    blockNumber: BlockNumber,
    timestamp: Timestamp,
    admittedAt: Timestamp,
    blockState: v.picklist(BLOCK_STATES),
  }),
  v.strictObject({
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
    txId: TxId,
    state: v.literal("set_aside"),
    timestamp: Timestamp,
    admittedAt: Timestamp,
    reason: v.nullable(v.picklist(PERMANENT_REASONS)),
  }),
]);
export type TransactionStatus = v.InferOutput<typeof TransactionStatus>;

/** Answers `mined` only once the block is in every tier. */
export const transaction = operation(
  {
    does: "Where a transaction is: awaiting_payment, paid, pending, reserved, mined (block and index), set_aside (with its reason), expired, or awaiting_submission",
    who: "anyone",
    params: v.strictObject({ txId: TxId }),
    answers: { 200: TransactionStatus },
    problems: ["not-found"],
    beyondKv: true,
  },
  async (call) => {
    const { env, params } = call;
    const { txId } = params;
    const indexed = await env.KV.get<TransactionRecord>(kvKeys.transaction(txId), "json");
    if (indexed !== null)
      return json(
        {
          txId,
          state: "mined",
          ...indexed,
          blockUrl: blockUrl(indexed.blockNumber),
        } satisfies TransactionStatus,
        { headers: { "cache-control": "public, max-age=60" } },
      );

    await countReadBeyondKv(call);
    const { transaction: facts, intent } = await chainHead(env).whereIs(txId);
    if (facts !== null) return json(statusOf(facts));
    if (intent === null)
      throw new Problem(
        "not-found",
        "The chain does not know this transaction. A payment takes a few seconds to arrive; an event that is ignored never does.",
        { members: { txId, state: "unknown" } },
      );
    const found: IntentFacts & { txId: string } = { txId, ...intent };
    return json(found satisfies TransactionStatus);
  },
);

function statusOf({
  txId,
  state,
  timestamp,
  admittedAt,
  block,
  reason,
}: TransactionFacts): TransactionStatus {
  if (state === "set_aside") return { txId, state, timestamp, admittedAt, reason };
  if (block === null) return { txId, state: "pending", timestamp, admittedAt };
  const { blockNumber, index, state: blockState } = block;
  return reached(blockState, "persisted") && index !== null
    ? { txId, state: "mined", blockNumber, index, timestamp, blockUrl: blockUrl(blockNumber) }
    : { txId, state: "reserved", blockNumber, timestamp, admittedAt, blockState };
}

const blockUrl = (blockNumber: number) => `/api/vdc/blocks/${blockNumber}`;
