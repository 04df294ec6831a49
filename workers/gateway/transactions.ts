import * as v from "valibot";
import type { TransactionRecord } from "../../shared/block-index.ts";
import { BlockNumber } from "../../shared/chain/block.ts";
import { BLOCK_STATES, reached } from "../../shared/chain/states.ts";
import { Sha256Hex, Timestamp, TransactionType, TxId } from "../../shared/chain/transaction.ts";
import { chainHead } from "../../shared/chain-head.ts";
import { PERMANENT_REASONS } from "../../shared/errors.ts";
import { json } from "../../shared/http/answer.ts";
import { Problem } from "../../shared/http/problems.ts";
import { kvKeys } from "../../shared/storage/layout.ts";
import type { TransactionFacts } from "../chain-head/reads.ts";
import { CORS } from "./cors.ts";
import { operation } from "./operation.ts";
import { countReadBeyondKv } from "./rate-limit.ts";

const Index = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.description("Its place in the block"));

export const TransactionStatus = v.variant("state", [
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

/** `mined` is said only once its block is in every tier. */
export const transaction = operation(
  {
    does: "Where a transaction is: pending, reserved, mined (block and index) or set_aside (with its reason)",
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
        { headers: { ...CORS, "cache-control": "public, max-age=60" } },
      );

    await countReadBeyondKv(call);
    const facts = await chainHead(env).transaction(txId);
    if (facts === null)
      throw new Problem(
        "not-found",
        "The chain does not know this transaction. A payment takes a few seconds to arrive; an event that is ignored never does.",
        { members: { txId, state: "unknown" } },
      );
    return json(statusOf(facts), { headers: CORS });
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
